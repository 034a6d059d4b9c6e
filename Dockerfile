# Bengi's image: one for every process of every mode; docker-compose.yml says which runs what.
# By itself it serves everything from one process: docker run -p 127.0.0.1:8000:8000 bengi

FROM node:22-bookworm-slim AS frontend
WORKDIR /bengi
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM python:3.13-slim-bookworm AS packages
WORKDIR /bengi
COPY requirements.txt ./
RUN pip wheel --no-cache-dir --require-hashes --wheel-dir /wheels -r requirements.txt \
    && python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --no-index --no-deps /wheels/*.whl

FROM python:3.13-slim-bookworm
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    BENGI_VAR=/var/lib/bengi \
    BENGI_STATIC=/bengi/staticfiles
RUN useradd --system --uid 10001 --home-dir /var/lib/bengi --create-home bengi
WORKDIR /bengi
COPY --from=packages /venv /venv
COPY --from=frontend /bengi/node_modules node_modules
COPY . .
# The key is of this step alone: settings of production do not load without one.
RUN DJANGO_SETTINGS_MODULE=bengi.settings.prod \
    BENGI_SECRET_KEY=it-signs-nothing-and-is-forgotten-when-this-step-has-ended \
    python manage.py collectstatic --no-input --verbosity 0
USER 10001:10001
VOLUME /var/lib/bengi
EXPOSE 8000 8001
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-m", "bengi.probe", "http", "8000"]
CMD ["python", "manage.py", "run", "--host", "0.0.0.0"]
