# The server in a container; see compose.yaml. Not run where it was written: there were no containers there.
FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 python3-venv tesseract-ocr cmake ninja-build g++ ca-certificates \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --uid 1000 deid && install -d -o deid -m 700 /data && install -d -o deid /app
USER deid
WORKDIR /app
COPY --chown=deid . .
RUN bash script/setup serve && rm -rf ~/.cache
ENV DEID_HOME=/data DEID_BIND=0.0.0.0
VOLUME /data
EXPOSE 8501
HEALTHCHECK CMD [".venv/bin/python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8501/api/health')"]
CMD [".venv/bin/deid", "serve"]
