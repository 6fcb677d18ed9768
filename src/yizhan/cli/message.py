"""``yizhan message``: what became of every message, and why a call was refused."""

import sys
from contextlib import suppress
from typing import Annotated, Any

import typer

from yizhan.cli import show
from yizhan.cli.link import Failed, Line, call, talk
from yizhan.cli.options import DEFAULT_DATA, AsJson, Before, Data, Limit, OfAccount
from yizhan.model.message import State

app = typer.Typer(help="Messages: what became of each, and why.", no_args_is_help=True)

PAGE = 1_000  # the API's limit for one call; a node goes on sending between two pages
STORIES = 100  # the API's limit for the stories of one submission; these are the last ones

_TIME = "2026-11-28T09:30 in Beijing or with a zone"
StateName = Annotated[str | None, typer.Option("--state", help="Only in this state: queued, sent, delivered, ...")]


@app.command("list")
def list_messages(
    *,
    account: OfAccount = None,
    state: StateName = None,
    number: Annotated[str | None, typer.Option("--number", help="Only to this number.")] = None,
    submission: Annotated[int | None, typer.Option("--submission", help="Only of the call that got this id.")] = None,
    channel: Annotated[str | None, typer.Option("--channel", help="Only over this channel.")] = None,
    text: Annotated[
        str | None,
        typer.Option("--text", metavar="TEXT", help="Only with this in it; without --since in the last 24 h."),
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help=f"Accepted then or later, {_TIME}.")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="Accepted earlier, likewise.")] = None,
    before: Before = None,
    limit: Limit = 50,
    data: Data = DEFAULT_DATA,
    json: AsJson = False,
) -> None:
    """Messages, newest first."""
    wanted = {
        "account": account,
        "state": state,
        "number": number,
        "submission": submission,
        "channel": channel,
        "text": text,
        "since": since,
        "until": until,
        "before": before,
    }
    messages = talk(data, lambda line: _pages(line, wanted, limit))
    if json:
        show.print_json(messages)
        return
    # Of what waits for its SendTime, that is the time one wants to know.
    waits = state is not None and state.lower() == State.SCHEDULED.word
    columns = [
        show.Column("send_at", "to be sent", time=True) if waits else show.Column("accepted_at", "accepted", time=True),
        show.Column("submission"),
        show.Column("id", wide_only=True),
        show.Column("account"),
        show.Column("number"),
        show.Column("state"),
        show.Column("price", wide_only=True),
        show.Column("channel", wide_only=True),
        show.Column("text", fills=True),
    ]
    show.print_table(columns, messages, "no messages")


@app.command("show")
def show_message(
    id: Annotated[int, typer.Argument(metavar="ID", help="A submission's id, as its client got it, or a message's.")],
    account: OfAccount = None,
    data: Data = DEFAULT_DATA,
    json: AsJson = False,
) -> None:
    """The whole story of a message, or of every message of a submission (of the last 100, when it has more)."""
    stories, cut = talk(data, lambda line: _stories(line, id, account))
    if json:
        show.print_json(stories)
        return
    from yizhan.cli.timeline import print_stories

    print_stories(stories)
    if cut:
        show.say("")
        show.say(f"These are the last {STORIES} messages of the submission only. All of them, without their stories:")
        show.say(f"yizhan message list --submission {id} --limit N")


@app.command()
def cancel(
    submission: Annotated[int, typer.Argument(metavar="SUBMISSION", help="The id its client got.")],
    account: OfAccount = None,
    data: Data = DEFAULT_DATA,
    json: AsJson = False,
) -> None:
    """Cancel what of a submission was not sent yet, and refund it."""
    done = call(data, "POST", f"/submissions/{submission}/cancel", json={"account": account})
    if json:
        show.print_json({"submission": submission, **done})
    if not done["cancelled"]:
        raise Failed(f"nothing of submission {submission} waits any more")
    if not json:
        show.say(f"{done['cancelled']} messages of submission {submission} cancelled")


@app.command()
def resend(
    message: Annotated[int | None, typer.Argument(metavar="MESSAGE", help="The message's own id.")] = None,
    held: Annotated[bool, typer.Option("--held", help="All that are held, instead of one.")] = False,
    account: OfAccount = None,
    data: Data = DEFAULT_DATA,
    json: AsJson = False,
) -> None:
    """Send a held (uncertain) message again, though it may have arrived; or all of them."""
    if (message is not None) == held:
        raise typer.BadParameter("either MESSAGE or --held is needed")
    if message is not None:
        call(data, "POST", f"/messages/{message}/resend")
        _told(message, "queued", f"message {message} is queued again", json)
        return
    count = talk(data, lambda line: _resend_held(line, account))
    if json:
        show.print_json({"queued": count})
    else:
        show.say(f"{count} messages are queued again")


@app.command()
def release(
    message: Annotated[int, typer.Argument(metavar="MESSAGE", help="The message's own id.")],
    channel: Annotated[str, typer.Option("--channel", metavar="NAME", help="The channel that sends it in earnest.")],
    data: Data = DEFAULT_DATA,
    json: AsJson = False,
) -> None:
    """Send what a simulator had to the real telephone, once, as a message of its own that nobody is charged for."""
    copy = call(data, "POST", f"/messages/{message}/release", json={"channel": channel})
    if json:
        show.print_json(copy)
    else:
        show.say(f"message {copy['id']} goes to {copy['number']} over {channel}")


@app.command("give-up")
def give_up(
    message: Annotated[int, typer.Argument(metavar="MESSAGE", help="The message's own id.")],
    data: Data = DEFAULT_DATA,
    json: AsJson = False,
) -> None:
    """Give a held or queued message up: it has failed, and is paid back."""
    call(data, "POST", f"/messages/{message}/give-up")
    _told(message, "failed", f"message {message} has failed and is paid back", json)


def _told(message: int, state: str, said: str, json: bool) -> None:
    if json:
        show.print_json({"message": message, "state": state})
    else:
        show.say(said)


@app.command()
def refused(before: Before = None, limit: Limit = 50, data: Data = DEFAULT_DATA, json: AsJson = False) -> None:
    """Refused calls, newest first, with the rule that refused them."""
    refusals = call(data, "GET", "/refusals", params={"limit": limit, "before": before})
    if json:
        show.print_json(refusals)
        return
    columns = [
        show.Column("at", time=True),
        show.Column("operation"),
        show.Column("account"),
        show.Column("address", wide_only=True),
        show.Column("code"),
        show.Column("reject", "reason"),
        show.Column("hit", fills=True),
        show.Column("text", wide_only=True),
        show.Column("id", wide_only=True),
    ]
    show.print_table(columns, refusals, "no call was refused")


@app.command()
def explain(
    *,
    account: Annotated[str, typer.Option("--account", metavar="CORPID", help="The account that would send.")],
    to: Annotated[list[str], typer.Option("--to", metavar="NUMBER", help="A number; may be given several times.")],
    text: Annotated[str, typer.Option("--text", metavar="TEXT", help="What it would send.")],
    cell: Annotated[str, typer.Option("--cell", metavar="DIGITS", help="The extension.")] = "",
    send_time: Annotated[str, typer.Option("--send-time", metavar="YYYYMMDDHHMMSS", help="In China's time.")] = "",
    operation: Annotated[str, typer.Option("--operation", metavar="NAME", help="What would be called.")] = "IntlSend",
    data: Data = DEFAULT_DATA,
    json: AsJson = False,
) -> None:
    """What would become of a message: checks, parts, price, route. Nothing is sent (needs a running node)."""
    body = {"account": account, "to": to, "text": text, "cell": cell, "send_time": send_time, "operation": operation}
    told = call(data, "POST", "/explain", json=body)
    if json:
        show.print_json(told)
        return
    if told["accepted"]:
        show.say(f"{told['operation']} would accept it")
    else:
        hit = f": {told['hit']}" if told["hit"] else ""
        show.say(f"{told['operation']} would answer {told['code']}, {told['reject']}{hit}")
    if told["text"] is not None:
        show.say(f"text      {told['text']}")
        show.say(f"parts     {told['parts']} ({told['encoding']}), signature {told['signature']}, lane {told['lane']}")
        show.say(f"price     {told['price']} of {told['balance']}")
    for hit in told["keywords"]:
        show.say(f"keyword   {hit['keyword']} at characters {hit['start'] + 1} to {hit['end']}")
    for one in told["numbers"]:
        show.say(f"number    {one['written']}: {one['state']}, {one['price']}")
    for one in told["routes"]:
        over = ", ".join(one["open"]) or "nothing now: it would wait"
        why = "".join(f"; not {no['channel']}: {no['why']}" for no in one["rejected"])
        show.say(f"route     {one['number']} over {over}{why}")


@app.command()
def replies(
    *,
    account: OfAccount = None,
    nobodys: Annotated[bool, typer.Option("--nobodys", help="Only those that belong to no account.")] = False,
    before: Before = None,
    limit: Limit = 50,
    data: Data = DEFAULT_DATA,
    json: AsJson = False,
) -> None:
    """Replies from handsets, newest first."""
    wanted = {"account": account, "nobodys": nobodys, "limit": limit, "before": before}
    found = call(data, "GET", "/replies", params=wanted)
    if json:
        show.print_json(found)
        return
    columns = [
        show.Column("at", time=True),
        show.Column("account"),
        show.Column("number"),
        show.Column("to", wide_only=True),
        show.Column("cell"),
        show.Column("waiting", wide_only=True),
        show.Column("opted_out", "opted out", wide_only=True),
        show.Column("id", wide_only=True),
        show.Column("text", fills=True),
    ]
    show.print_table(columns, found, "no replies")


async def _resend_held(line: Line, account: str | None) -> int:
    """How many messages were held, and are queued again."""
    held = await _pages(line, {"state": State.UNCERTAIN.word, "account": account}, sys.maxsize)
    count = 0
    for message in held:
        with suppress(Failed):  # a report has settled it meanwhile
            await line.call("POST", f"/messages/{message['id']}/resend")
            count += 1
    return count


async def _stories(line: Line, id: int, account: str | None) -> tuple[list[dict[str, Any]], bool]:
    """The stories, and whether the submission has more messages than these."""
    stories = await line.call("GET", f"/messages/{id}", params={"account": account})
    if len(stories) < STORIES:
        return stories, False
    wanted = {"submission": id, "account": account, "limit": STORIES + 1}
    return stories, len(await line.call("GET", "/messages", params=wanted)) > STORIES


async def _pages(line: Line, wanted: dict[str, Any], limit: int) -> list[dict[str, Any]]:
    """Up to ``limit`` messages, fetched a page at a time."""
    messages: list[dict[str, Any]] = []
    while len(messages) < limit:
        messages += await line.call("GET", "/messages", params={**wanted, "limit": min(PAGE, limit - len(messages))})
        if line.next_before is None:
            break
        wanted = {**wanted, "before": line.next_before}
    return messages
