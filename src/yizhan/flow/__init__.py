"""The story, in order: ``accept``, ``dispatch``, ``settle``; then ``ask`` and ``operate`` for operators."""
