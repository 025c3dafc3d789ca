// PluginConfiguration: placeholder until its first file lands.
