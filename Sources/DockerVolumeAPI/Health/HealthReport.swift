/// What `GET /healthz` answers: 200 when healthy, 503 when not.
public struct HealthReport: Sendable, Equatable, Encodable {
    /// Something the plugin needs, such as etcd or Ceph.
    public struct Component: Sendable, Equatable, Encodable {
        public var name: String
        public var ok: Bool
        /// One sentence for a person. No secrets.
        public var detail: String
        /// How many seconds ago it last answered a request; `nil` when it never has, and for what is not asked.
        public var ageSeconds: Double?

        public init(name: String, ok: Bool, detail: String, ageSeconds: Double? = nil) {
            self.name = name
            self.ok = ok
            self.detail = detail
            self.ageSeconds = ageSeconds
        }
    }

    public var healthy: Bool
    public var components: [Component]

    public init(healthy: Bool, components: [Component]) {
        self.healthy = healthy
        self.components = components
    }
}
