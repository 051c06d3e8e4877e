"""CATALOGUE of images and commands that look like servers, and serve no model.

Routers, gateways, simulators, operators, exporters, dashboards and downloaders often have the name
of a server in theirs. Some run from the image of a server.
"""

from typing import Final

IMAGES: Final = (
    # llm-d and the gateway API
    r"llm-d-(?:routing-sidecar|inference-scheduler|inference-sim|router-.*|uds-tokenizer)",
    r"llm-d-(?:latency-predictor-.*|benchmark.*|workload-variant-autoscaler|model-?service.*)",
    r"llm-d-(?:fast-model-actuation.*|kv-cache-manager|kv-cache.*|deployer)", r"vllm-sim",
    r"vllm-mock",
    r"gateway-api-inference-extension/.*",
    # routers
    r"(?:vllm|sglang|ollama|llama|tgi|triton)-(?:proxy|gateway|router|ui|webui|client|monitor)(?:-.*)?",
    r"(?:vllm|sglang|ollama|llama|tgi|triton)-(?:sim|simulator|mock|bench.*|playground)(?:-.*)?",
    r"sglang-router(?:-.*)?", r"sgl-model-gateway", r"(?:.*-)?vllm-router", r"lmstack-.*",
    r"production-stack.*", r"production-stack/.*", r"semantic-router/.*", r"vllm-bench",
    r"litellm(?:-.*)?", r"llama-swap", r"ai-gateway-.*", r"gateway-plugins",
    # operators, exporters, dashboards, user interfaces
    r"(?:.*-)?operator", r"(?:.*-)?exporter", r"(?:.*-)?dashboard", r"(?:.*-)?controller-manager",
    r"kuberay/.*", r"rayproject/autoscaler", r"kserve/(?:agent|router|storage-initializer)",
    r"(?:kserve|llmisvc|lora|kserve-localmodel)-controller", r"open-webui",
    r"ollama-webui", r"pipelines", r"chat-ui(?:-.*)?", r"tritonserver:.*-sdk.*",
    r"llama\.cpp:light.*",
    # Dynamo, NIM, AIBrix, RBG
    r"ai-dynamo/(?:dynamo-.*|kubernetes-operator|epp-.*|snapshot-agent)",
    r"hf-model-puller", r"nemo-microservices/.*", r"blueprint/.*", r"cloud-native/.*",
    r"aibrix/(?:runtime|metadata-service|kvcache-.*)", r"rolebasedgroup/.*",
    r"xinference-pypiserver", r"inference-benchmarker", r"guidellm", r"inference-perf",
)  # fmt: skip
"""Regular expressions for the end of the image's repository; with a colon, for its tag too.
RE2 must understand them: an API server matches them too."""
OTHER_IMAGES: Final = (r"open-webui:.*ollama.*", r"ai-dynamo/dynamo-frontend.*")
"""The same for images that IMAGES match, and that may serve a model."""

COMMANDS: Final = (
    "vllm bench", "vllm chat", "vllm complete", "vllm collect-env", "vllm launch",
    "vllm-router", "lmstack-router", "llm-d-inference-sim", "-m vllm.entrypoints.cli.benchmark",
    "-m sglang_router.launch_router", "sglang-router", "sglang_router", "smg",
    "-m sglang.bench_serving", "-m sglang.bench_one_batch", "-m sglang.srt.disaggregation.mini_lb",
    "lmdeploy serve proxy", "lmdeploy serve gradio", "-m lmdeploy serve proxy",
    "trtllm-serve disaggregated", "trtllm-bench", "trtllm-build", "trtllm-eval",
    "aphrodite bench", "aphrodite chat", "aphrodite complete",
    "-m dynamo.router", "-m dynamo.global_router", "-m dynamo.planner",
    "-m dynamo.profiler", "-m dynamo.mocker", "modelexpress-server",
    "text-generation-benchmark", "genai-perf", "guidellm", "lm_eval", "inference-perf",
    "ollama pull", "ollama run", "ollama create", "ollama list", "ollama ps", "ollama show",
    "ollama push", "ollama cp", "ollama rm", "ollama stop", "ollama help",
    "llama-cli", "llama-bench", "llama-quantize", "llama-perplexity", "rpc-server",
    "llama-rpc-server", "ovms --pull", "ovms --list_models", "ovms --add_to_config",
    "local-ai models", "local-ai backends", "local-ai federated", "local-ai explorer",
    "local-ai chat", "local-ai mcp-server",
    "mlc_llm chat", "mlc_llm compile", "mlc_llm convert_weight", "mlc_llm gen_config",
    "xinference launch", "xinference-supervisor", "xinference list", "xinference terminate",
    "list-model-profiles", "download-to-cache", "create-model-store",
    "ray job", "ray kuberay-autoscaler", "ray health-check", "ray status", "ray summary",
    "huggingface-cli", "hf", "aibrix_download", "curl", "wget", "sleep", "tail", "nginx", "envoy",
    "lmcache_server", "lmcache_controller", "mooncake_master", "redis-server",
)  # fmt: skip
"""Words, one after the other, by which such a command is recognised."""
