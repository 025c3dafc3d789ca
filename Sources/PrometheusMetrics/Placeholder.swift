// PrometheusMetrics: placeholder until its first file lands.
