"""The whole web application; `streamlit run streamlit_app.py` and `uvicorn streamlit_app:app` serve it."""

import streamlit as st

from deid import memory
from deid.api.app import routes as api_routes
from deid.ui import faults, server

memory.share_heaps()
app = st.App(
    "deid/ui/main.py",
    routes=[*server.routes, *api_routes],
    middleware=server.middleware,
    lifespan=server.lifespan,
    on_script_error=faults.report,
)
