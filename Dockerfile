# Bengi in one container: pages, engine and market in one process (see docker-compose.yml).

FROM node:22-slim AS frontend
WORKDIR /bengi
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM python:3.13-slim AS packages
WORKDIR /bengi
RUN python -m venv /venv
COPY requirements.txt ./
RUN /venv/bin/pip install --no-cache-dir --require-hashes -r requirements.txt

FROM python:3.13-slim
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 BENGI_VAR=/var/lib/bengi
RUN useradd --system --uid 10001 --home-dir /var/lib/bengi --create-home bengi
WORKDIR /bengi
COPY --from=packages /venv /venv
COPY --from=frontend /bengi/node_modules node_modules
COPY . .
USER bengi
VOLUME /var/lib/bengi
EXPOSE 8000
# Any answer means that the process serves; production settings refuse the host name asked for here.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD \
    python -c "from http.client import HTTPConnection as To; to = To('127.0.0.1', 8000, timeout=4); \
    to.request('GET', '/'); to.getresponse()"
CMD ["python", "manage.py", "run", "--host", "0.0.0.0"]
