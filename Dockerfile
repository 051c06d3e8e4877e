# Builds one image with the webhook, its loader and its gate.
#   --build-arg BASE=…              another base image
#   --build-arg EXTRAS="s3 gs"      what `modelcache load` needs for buckets
#   --secret id=pip.conf,src=…      a pip.conf, for example to use a mirror
#   --secret id=certificates,src=…  the mirror's CA; set cert = /run/certificates.pem in pip.conf
ARG BASE=python:3.13-slim

FROM ${BASE} AS dependencies
WORKDIR /build
# Builds are reproducible: compiled files depend neither on the time nor on the hash seed.
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONHASHSEED=0
RUN python3 -m venv /opt/pip && python3 -m venv --without-pip /opt/modelcache
# Only wheels are installed, so that nothing is compiled from C. Half of the package kubernetes is a
# second client, for asyncio, which is removed because nothing imports it.
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
# The tools that build the wheel and the list of components are not in the final image.
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
# Some bases leave compiling Python's library to the first start. With a read-only root, every start
# would compile it again, so it is compiled here. pip is removed, so that nothing can be installed.
# The user gets a group: without an entry, container runtimes use the group of root.
RUN library=$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))') \
 && rm -rf "$library"/ensurepip "$library"/site-packages/pip* /usr/local/bin/pip* \
    /usr/share/python-wheels \
 && PYTHONHASHSEED=0 python3 -m compileall -q \
    -x '/(tests?|idlelib|lib2to3|site-packages|turtledemo)/' "$library" \
 && echo modelcache:x:65532:65532::/nonexistent:/usr/sbin/nologin >> /etc/passwd \
 && echo modelcache:x:65532: >> /etc/group
COPY --from=dependencies /opt/modelcache /opt/modelcache
COPY --from=build /product/opt/modelcache /opt/modelcache
# The root filesystem may be read-only: only volumes are written to.
ENV PATH=/opt/modelcache/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    PYTHONSAFEPATH=1 HOME=/nonexistent
# A number, because runAsNonRoot can't check a name.
USER 65532:65532
WORKDIR /
EXPOSE 8443 8080
ENTRYPOINT ["modelcache"]
CMD ["--help"]
