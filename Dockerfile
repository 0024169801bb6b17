# Build: everything from hash-locked wheels; what only building needs stays in this stage.
FROM python:3.12-slim AS build
WORKDIR /src
COPY requirements.lock requirements-runtime.lock ./
RUN python -m venv /opt/telltale \
 && /opt/telltale/bin/pip install --no-cache-dir --require-hashes -r requirements-runtime.lock \
 && pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md ./
COPY watermark watermark
COPY service service
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
 && /opt/telltale/bin/pip install --no-cache-dir --no-index --no-deps /wheels/*.whl

FROM python:3.12-slim
RUN useradd --system --uid 10001 --no-create-home telltale && install -d -o telltale -m 0700 /data /var/cache/telltale
COPY --from=build /opt/telltale /opt/telltale
# Loops that Numba compiles at their first call are kept where the service may write: its workers share them.
ENV PATH=/opt/telltale/bin:$PATH PYTHONUNBUFFERED=1 TELLTALE_DATA_DIR=/data NUMBA_CACHE_DIR=/var/cache/telltale
USER telltale
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=8)"]
ENTRYPOINT ["telltale"]
CMD ["serve", "--host", "0.0.0.0"]
