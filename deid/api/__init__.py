"""The HTTP interface for programs: FastAPI, mounted at /api beside the pages. docs/api.md tells how to use it."""
