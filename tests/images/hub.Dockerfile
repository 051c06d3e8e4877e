# The hub's library and that of safetensors, of the versions that the tests use.
ARG BASE

FROM ${BASE} AS build
WORKDIR /build
ENV PIP_NO_CACHE_DIR=1 PYTHONHASHSEED=0
RUN python3 -m venv /opt/pip
COPY requirements-dev.lock ./
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    --mount=type=secret,id=certificates,target=/run/certificates.pem \
    sed -n 's/^\([A-Za-z0-9_.-]*==[^ ;]*\).*/\1/p' requirements-dev.lock > pins \
 && /opt/pip/bin/pip install --no-compile --only-binary :all: --constraint pins \
    --target /opt/inference huggingface_hub safetensors \
 && python3 -m compileall -q --invalidation-mode unchecked-hash /opt/inference

FROM ${BASE}
COPY --from=build /opt/inference /opt/inference
