# The daemon, compiled, without compiler, tests or root:
#
#   docker build -t call-api .
#   docker run --network host -v ./call-api.yml:/etc/call-api/call-api.yml:ro call-api
#
# Without a file it listens on loopback inside the container. A file for use from outside sets
# ws_server.host, embedded.host, embedded.users and tokens: docs/security.md.

FROM python:3.11-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev
WORKDIR /src
COPY pyproject.toml setup.py README.md LICENSE ./
COPY call_api call_api
COPY call_api_client call_api_client
COPY call_cmd call_cmd
RUN python -m venv /opt/call-api && /opt/call-api/bin/pip install --no-cache-dir ".[fast,jwt]"

FROM python:3.11-slim
COPY --from=build /opt/call-api /opt/call-api
ENV PATH=/opt/call-api/bin:$PATH PYTHONUNBUFFERED=1
RUN useradd --system --no-create-home --shell /usr/sbin/nologin call-api
USER call-api
WORKDIR /
EXPOSE 5059/tcp 5060/tcp 5060/udp
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=3s --start-period=5s CMD ["python", "-c", "\
import os, urllib.request as u; \
host = os.environ.get('CALL_API_WS_SERVER_HOST', '127.0.0.1').replace('0.0.0.0', '127.0.0.1'); \
port = os.environ.get('CALL_API_WS_SERVER_PORT', '5059'); \
u.urlopen(f'http://{host}:{port}/healthz', timeout=2)"]
ENTRYPOINT ["call-api"]
