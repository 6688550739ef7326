# Everything kerasbert does, in a container, as a user without rights:
#   docker build -t kerasbert .
#   docker build -t kerasbert:gpu --build-arg EXTRA=gpu .
#   docker run --rm -v "$PWD:/work" kerasbert train config.yaml --output runs/mine
#   docker run --rm --gpus all -v "$PWD:/work" kerasbert:gpu train config.yaml --output runs/mine
# A release pins its base image by digest: FROM python:3.11-slim-bookworm@sha256:...
FROM python:3.11-slim-bookworm AS build
ARG EXTRA=""
WORKDIR /source
RUN python -m venv /opt/kerasbert
ENV PATH=/opt/kerasbert/bin:$PATH
COPY requirements.txt ./
RUN pip install --no-cache-dir --require-hashes -r requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY kerasbert kerasbert
COPY plugins plugins
# Beside the lock, and without moving any version in it: CUDA's libraries, if asked for.
RUN pip freeze > locked.txt \
 && pip install --no-cache-dir --no-deps --no-build-isolation . ./plugins/sentiment ./plugins/spam ./plugins/news_topic \
 && if [ -n "$EXTRA" ]; then pip install --no-cache-dir --no-build-isolation -c locked.txt ".[$EXTRA]"; fi

FROM python:3.11-slim-bookworm
RUN useradd --create-home --uid 1000 kerasbert
COPY --from=build /opt/kerasbert /opt/kerasbert
COPY configs /opt/kerasbert/configs
ENV PATH=/opt/kerasbert/bin:$PATH PYTHONUNBUFFERED=1
USER 1000
WORKDIR /work
ENTRYPOINT ["kerasbert"]
CMD ["--help"]
