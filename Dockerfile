# The webhook, its loader and its gate, in one image. Another base: --build-arg BASE=…
# Behind a mirror: --secret id=pip.conf,src=… and, if it has an authority of its own,
# --secret id=certificates,src=… (pip.conf then says cert = /run/certificates.pem).
# --build-arg EXTRAS="s3 gs" adds what `modelcache load` needs for buckets.
ARG BASE=python:3.13-slim

FROM ${BASE} AS dependencies
WORKDIR /build
# The same bytes each time: neither age nor the seed of hashes shows in what is compiled.
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONHASHSEED=0
RUN python3 -m venv /opt/pip && python3 -m venv --without-pip /opt/modelcache
# Wheels alone: nothing is compiled, here or later. Of kubernetes, half is a second client, for
# asyncio, which nothing here imports.
ARG EXTRAS=
COPY requirements.lock requirements-s3.lock requirements-gs.lock ./
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    --mount=type=secret,id=certificates,target=/run/certificates.pem \
    set -- requirements.lock && for extra in $EXTRAS; do set -- "$@" "requirements-$extra.lock"; done \
 && /opt/pip/bin/pip --python /opt/modelcache/bin/python install \
    --no-compile --require-hashes --only-binary :all: $(printf ' --requirement %s' "$@") \
 && find /opt/modelcache -depth -type d \( -name tests -o -path '*/kubernetes/aio' \) -exec rm -r {} + \
 && /opt/modelcache/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/modelcache

FROM dependencies AS build
# What builds, and what writes down what is in the image, stays here.
COPY requirements-build.lock requirements-sbom.lock ./
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    --mount=type=secret,id=certificates,target=/run/certificates.pem \
    /opt/pip/bin/pip install \
    --require-hashes --only-binary :all: \
    --requirement requirements-build.lock --requirement requirements-sbom.lock
COPY pyproject.toml README.md LICENSE ./
COPY deploy/mutatingwebhookconfiguration.yaml deploy/
COPY certs certs
COPY webhook webhook
RUN /opt/pip/bin/pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
 && /opt/pip/bin/pip --python /opt/modelcache/bin/python install \
    --no-compile --no-deps --no-index --root /product dist/*.whl \
 && /opt/modelcache/bin/python -m compileall -q --invalidation-mode unchecked-hash \
    -s /product /product
RUN /opt/pip/bin/pip --python /opt/modelcache/bin/python install \
    --no-compile --no-deps --no-index dist/*.whl \
 && mkdir /product/opt/modelcache/share \
 && /opt/pip/bin/cyclonedx-py environment --no-validate --output-reproducible \
    --output-file /product/opt/modelcache/share/modelcache-webhook.cdx.json \
    /opt/modelcache/bin/python

FROM ${BASE}
# Python's own library is compiled here where the base leaves that to the first start: a
# read-only root would leave it to every start. It can install nothing. And the user has a
# group: without an entry, container runtimes take that of root.
RUN library=$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))') \
 && rm -rf "$library"/ensurepip "$library"/site-packages/pip* /usr/local/bin/pip* \
    /usr/share/python-wheels \
 && PYTHONHASHSEED=0 python3 -m compileall -q \
    -x '/(tests?|idlelib|lib2to3|site-packages|turtledemo)/' "$library" \
 && echo modelcache:x:65532:65532::/nonexistent:/usr/sbin/nologin >> /etc/passwd \
 && echo modelcache:x:65532: >> /etc/group
COPY --from=dependencies /opt/modelcache /opt/modelcache
COPY --from=build /product/opt/modelcache /opt/modelcache
# The root filesystem may be read-only: nothing is written but into volumes.
ENV PATH=/opt/modelcache/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    PYTHONSAFEPATH=1 HOME=/nonexistent
# By number, so that runAsNonRoot can tell.
USER 65532:65532
WORKDIR /
EXPOSE 8443 8080
ENTRYPOINT ["modelcache"]
CMD ["--help"]
