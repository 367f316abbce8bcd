"""Secrets are removed from text that is shown."""

from __future__ import annotations

import pytest

from tui.agent import redact


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("Incorrect API key provided: sk-proj-abcdefgh1234", "Incorrect API key provided: •••"),
        ("key sk-abcd****************wxyz.", "key •••"),
        ("{'Authorization': 'Bearer abc.def-123'}", "{'Authorization': 'Bearer •••'}"),
        ("authorization: Basic dXNlcjpwYXNz", "authorization: Basic •••"),
        ("x-api-key: 12345678", "x-api-key: •••"),
        ('{"api_key": "whatever it", "model": "tiny"}', '{"api_key": "••• it", "model": "tiny"}'),
        ("https://me:pass@example.com/v1", "https://•••@example.com/v1"),
        ("GET /v1?api_key=abcd1234&x=1", "GET /v1?api_key=•••&x=1"),
        ("ghp_abcdefghijklmnop and AIzaSyA-1234567890", "••• and •••"),
        ("token eyJhbGciOiJI.eyJzdWIiOiIx.sig", "token •••"),
        ("The task-list and risk-free desk-top stay.", "The task-list and risk-free desk-top stay."),
        (
            "12 tokens, max_tokens=4000, https://example.com:8080/v1",
            "12 tokens, max_tokens=4000, https://example.com:8080/v1",
        ),
    ],
)
def test_text_that_looks_like_a_secret_is_redacted(text: str, redacted: str) -> None:
    assert redact(text) == redacted


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "HF_TOKEN", "AWS_SECRET_ACCESS_KEY", "MY_PASSWORD"])
def test_secrets_of_the_environment_are_redacted(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "correct horse battery")
    assert redact("it said 'correct horse battery'!") == "it said '•••'!"


def test_a_short_placeholder_for_a_key_is_not_redacted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "ollama")
    assert redact("ollama cannot be reached") == "ollama cannot be reached"
