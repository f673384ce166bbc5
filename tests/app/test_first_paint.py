"""The rule that keeps a page from jumping stands in the document, and changes nothing else."""

import asyncio

import pytest

from app.first_paint import STYLE, FirstPaint

PAGE = b"<html><head><title>x</title></head><body></head></body></html>"


def ask(accept, kind, *parts, **extra):
    """Return what is sent on, and the headers that the server below was asked with."""
    asked, sent = {}, []

    async def below(scope, receive, send):
        asked.update(scope["headers"])
        headers = [(b"content-type", kind), (b"content-length", b"1")]
        headers += [(name.encode().replace(b"_", b"-"), value) for name, value in extra.items()]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for number, part in enumerate(parts, start=1):
            more = number < len(parts)
            await send({"type": "http.response.body", "body": part, "more_body": more})

    async def send(message):
        sent.append(message)

    headers = [(b"accept", accept), (b"accept-encoding", b"gzip")]
    scope = {"type": "http", "method": "GET", "headers": headers}
    asyncio.run(FirstPaint(below)(scope, None, send))
    start, *bodies = sent
    return dict(start["headers"]), b"".join(body["body"] for body in bodies), asked


@pytest.mark.parametrize("parts", [(PAGE,), (PAGE[:20], PAGE[20:])])
def test_a_document_gets_the_rule_once_at_the_end_of_its_head(parts):
    headers, body, asked = ask(b"text/html,*/*", b"text/html; charset=utf-8", *parts)
    assert body == PAGE.replace(b"</head>", STYLE + b"</head>", 1)
    assert int(headers[b"content-length"]) == len(body)
    assert b"accept-encoding" not in asked


def test_everything_else_passes_as_it_is():
    assert ask(b"text/html", b"text/plain", PAGE)[1] == PAGE
    assert ask(b"text/html", b"text/html", PAGE, content_encoding=b"gzip")[1] == PAGE
    assert ask(b"*/*", b"text/javascript", PAGE)[2][b"accept-encoding"] == b"gzip"
