module modelcache.io/tests/cluster/ollama

go 1.26.0

require github.com/ollama/ollama v0.17.4
