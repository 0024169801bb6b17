"""Signing the browser extension in: a small OAuth 2 authorization server for this service's own client."""
