"""Changes that may come again: whose key it is, and what was answered."""

from functools import partial

from yizhan.store import answers

from .rows import Store


def test_a_key_is_taken_once(store: Store) -> None:
    take = partial(answers.take_key, key="k", digest="d", at_ms=1_000)
    assert (store.act(take), store.act(take)) == (True, False)
    assert store.ask(partial(answers.find_answer, key="k")) == answers.Answer("d", None, None)
    store.act(partial(answers.keep_answer, key="k", status=201, body="{}"))
    assert store.ask(partial(answers.find_answer, key="k")) == answers.Answer("d", 201, "{}")
    store.act(partial(answers.free_key, key="k"))
    assert store.ask(partial(answers.find_answer, key="k")) is None
    assert store.act(take) is True
    assert store.act(partial(answers.forget_answers, before_ms=1_000)) == 0
    assert store.act(partial(answers.forget_answers, before_ms=1_001)) == 1
