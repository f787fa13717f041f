"""Network policies of Kubernetes: who may connect to whom."""
