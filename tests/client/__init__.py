"""The client library and its two commands, against a platform that is not ours."""
