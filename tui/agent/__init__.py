"""Answering messages with the OpenAI Agents SDK, which is imported when it is first needed."""
