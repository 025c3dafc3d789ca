// PluginConfigurationTests: placeholder until its first file lands.
