/// Where an RBD image lives: pool, namespace (empty for the default one) and image name.
public struct ImageReference: Sendable, Hashable, Codable {
    public var pool: String
    public var namespace: String
    public var name: String

    public init(pool: String, namespace: String = "", name: String) {
        self.pool = pool
        self.namespace = namespace
        self.name = name
    }

    /// The same place under another image name.
    public func named(_ name: String) -> ImageReference {
        ImageReference(pool: pool, namespace: namespace, name: name)
    }
}

extension ImageReference: CustomStringConvertible {
    /// As the `rbd` tool writes it: `pool/namespace/image`.
    public var description: String {
        namespace.isEmpty ? "\(pool)/\(name)" : "\(pool)/\(namespace)/\(name)"
    }
}
