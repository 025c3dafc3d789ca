/// What Docker and the running plugin showed.
public struct DockerSeen: Sendable, Hashable {
    public enum Engine: Sendable, Hashable {
        /// There is no socket of Docker here.
        case absent
        case silent(String)
        case answers(version: String)
    }

    /// A managed plugin of this kind that Docker knows.
    public struct Plugin: Sendable, Hashable {
        public var name: String
        public var isEnabled: Bool

        public init(name: String, isEnabled: Bool) {
            self.name = name
            self.isEnabled = isEnabled
        }
    }

    /// A socket on which a plugin should answer.
    public struct Socket: Sendable, Hashable {
        public enum State: Sendable, Hashable {
            case healthy
            /// What its `/healthz` says is wrong, a sentence each.
            case unwell([String])
            case silent(String)
        }

        public var path: String
        public var state: State

        public init(path: String, state: State) {
            self.path = path
            self.state = state
        }
    }

    public var engine: Engine
    public var plugins: [Plugin]
    public var sockets: [Socket]

    public init(engine: Engine, plugins: [Plugin] = [], sockets: [Socket] = []) {
        self.engine = engine
        self.plugins = plugins
        self.sockets = sockets
    }
}
