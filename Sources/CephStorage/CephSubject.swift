import VolumeCore

/// Where an image lives: a pool, and inside it a namespace ("" is the default one).
public struct ImageLocation: Sendable, Hashable, CustomStringConvertible {
    public var pool: String
    public var namespace: String

    public init(pool: String, namespace: String = "") {
        self.pool = pool
        self.namespace = namespace
    }

    /// Where an image lives.
    public init(_ image: ImageReference) {
        self.init(pool: image.pool, namespace: image.namespace)
    }

    /// As Ceph's tools write it: `pool` or `pool/namespace`.
    public var description: String { namespace.isEmpty ? pool : "\(pool)/\(namespace)" }
}

/// What a call to Ceph was about: the noun of its error.
public enum CephSubject: Sendable, Hashable, CustomStringConvertible {
    case cluster(String)
    case option(String)
    case pool(String)
    case namespace(ImageLocation)
    case images(ImageLocation)
    case image(ImageLocation, name: String)
    case imageID(ImageLocation, id: String)
    case snapshot(ImageLocation, image: String, name: String)
    case client(String)
    case command(String)

    public var description: String {
        switch self {
        case .cluster(let name): "cluster '\(name)'"
        case .option(let name): "option '\(name)'"
        case .pool(let name): "pool '\(name)'"
        case .namespace(let location): "namespace '\(location)'"
        case .images(let location): "images of '\(location)'"
        case .image(let location, let name): "image '\(location)/\(name)'"
        case .imageID(let location, let id): "image of id \(id) in '\(location)'"
        case .snapshot(let location, let image, let name): "snapshot '\(location)/\(image)@\(name)'"
        case .client(let address): "client \(address)"
        case .command(let prefix): "the monitors, asked for 'ceph \(prefix)'"
        }
    }

    /// The pool on whose OSDs the answer depends; `nil` when it is the monitors'.
    var pool: String? {
        switch self {
        case .cluster, .option, .client, .command: nil
        case .pool(let name): name
        case .namespace(let location), .images(let location), .image(let location, _), .imageID(let location, _),
            .snapshot(let location, _, _):
            location.pool
        }
    }

    /// The texts that reach Ceph as C strings.
    var texts: [String] {
        switch self {
        case .cluster(let text), .option(let text), .pool(let text), .client(let text), .command(let text): [text]
        case .namespace(let location), .images(let location): [location.pool, location.namespace]
        case .image(let location, let text), .imageID(let location, let text):
            [location.pool, location.namespace, text]
        case .snapshot(let location, let image, let name): [location.pool, location.namespace, image, name]
        }
    }
}
