import FoundationEssentials

/// The settings that a test gives to a plugin. The environment of the tests is not inherited, PATH aside.
public struct PluginSettings: Sendable {
    /// `NODE_NAME`
    public var node: String
    /// `ETCD_PREFIX`: where its records live, by default a place of its own.
    public var etcdPrefix: String
    /// Any other variable: overrides what is set here, or removes it when nil.
    public var others: [String: String?]

    public init(
        node: String = uniqueName("node"),
        etcdPrefix: String = uniqueName("test") + "/",
        others: [String: String?] = [:]
    ) {
        self.node = node
        self.etcdPrefix = etcdPrefix
        self.others = others
    }

    /// All variables that the program gets, as the plugin or as an operator's tool.
    public func variables(for rig: RigEnvironment, stateFolder: String) -> [String: String] {
        let own = ProcessInfo.processInfo.environment
        var variables = [
            "PATH": own["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin",
            "CEPH_CONF": rig.cephConf,
            "RBD_CONF_KEYRING_USER": rig.cephUser,
            "ETCD_ENDPOINTS": rig.etcdEndpoints.joined(separator: ","),
            "ETCD_PREFIX": etcdPrefix,
            "NODE_NAME": node,
            "LOG_LEVEL": "debug",
            "RBD_STATE_DIR": stateFolder,
            // How images become devices is the machine's affair; RBD_MAPPER=… make test chooses another way.
            "RBD_MAPPER": own["RBD_MAPPER"] ?? "auto",
        ]
        for (name, value) in others {
            variables[name] = value
        }
        return variables
    }
}
