// PrometheusMetricsTests: placeholder until its first file lands.
