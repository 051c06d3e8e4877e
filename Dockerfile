# The webhook, its loader and its gate, in one image. Another base: --build-arg BASE=…
ARG BASE=python:3.13-slim

FROM ${BASE} AS build
WORKDIR /build
RUN python -m venv --without-pip /opt/modelcache
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
# Wheels alone: nothing is compiled, here or later.
COPY requirements.lock ./
RUN python -m pip --python /opt/modelcache/bin/python install \
    --require-hashes --only-binary :all: --requirement requirements.lock
# The build backend has a place of its own, and stays here.
COPY requirements-dev.lock ./
RUN python -m venv /opt/backend \
 && /opt/backend/bin/python -m pip install \
    --require-hashes --only-binary :all: --requirement requirements-dev.lock
COPY pyproject.toml README.md LICENSE ./
COPY webhook webhook
COPY certs certs
COPY deploy/mutatingwebhookconfiguration.yaml deploy/
RUN /opt/backend/bin/python -m pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
 && python -m pip --python /opt/modelcache/bin/python install --no-deps --no-index dist/*.whl \
 && /opt/modelcache/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/modelcache/lib

FROM ${BASE}
COPY --from=build /opt/modelcache /opt/modelcache
# The root filesystem may be read-only: nothing is written but into volumes.
ENV PATH=/opt/modelcache/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    PYTHONSAFEPATH=1 HOME=/nonexistent
# By number, so that runAsNonRoot can tell.
USER 65532:65532
WORKDIR /
EXPOSE 8443 8080
ENTRYPOINT ["modelcache"]
CMD ["--help"]
