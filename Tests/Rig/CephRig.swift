/// The rig's Ceph, as its administrator sees it: for setting a scene and for looking behind the plugin's back.
public struct CephRig: Sendable {
    public let environment: RigEnvironment

    public init(_ environment: RigEnvironment) {
        self.environment = environment
    }

    public var mon: RigServer { .mon(of: environment) }
    public var osd: RigServer { .osd(of: environment) }

    /// Runs `rbd` as `client.admin` and returns what it printed.
    ///
    /// - Throws: ``RigFailure`` with the tool's own words when it fails.
    @discardableResult
    public func rbd(_ arguments: String...) async throws -> String {
        try await run("rbd", arguments).checked().output
    }

    /// Runs `ceph` as `client.admin` and returns what it printed.
    @discardableResult
    public func ceph(_ arguments: String...) async throws -> String {
        try await run("ceph", arguments).checked().output
    }

    /// Runs `rados` as `client.admin` and returns what it printed.
    @discardableResult
    public func rados(_ arguments: String...) async throws -> String {
        try await run("rados", arguments).checked().output
    }

    /// Runs one of Ceph's tools as `client.admin`; for when its failure is what matters.
    public func run(_ tool: String, _ arguments: [String]) async throws -> ToolResult {
        try await environment.run(tool, ["--conf", environment.adminConf] + arguments)
    }

    /// The names of all images in a pool, sorted; those in its namespaces are not among them.
    public func images(in pool: String) async throws -> [String] {
        try await rbd("ls", pool).split(separator: "\n").map(String.init).sorted()
    }

    public func exists(_ image: String, in pool: String) async throws -> Bool {
        try await images(in: pool).contains(image)
    }

    /// librbd's id of an image.
    public func imageID(of image: String, in pool: String) async throws -> String {
        let info = try JSONValue(parsing: try await rbd("info", "--format", "json", "\(pool)/\(image)"))
        guard let id = info["id"]?.string else { throw RigFailure("'rbd info' tells no id of \(pool)/\(image)") }
        return id
    }

    /// How many bytes Ceph keeps for an image.
    /// - Parameter image: with its pool.
    public func allocated(_ image: String) async throws -> UInt64 {
        let extents = try JSONValue(parsing: try await rbd("diff", "--format", "json", image)).array
        return extents.filter { $0["exists"]?.string == "true" || $0["exists"]?.bool == true }.reduce(0) {
            $0 + UInt64($1["length"]?.integer ?? 0)
        }
    }

    /// The addresses of the clients that watch an image, as `osd blocklist` takes them: `ip:port/nonce`.
    public func watchers(of image: String, in pool: String) async throws -> [String] {
        let status = try await rbd("status", "--format", "json", "\(pool)/\(image)")
        return try JSONValue(parsing: status)["watchers"]?.array.compactMap { $0["address"]?.string } ?? []
    }

    /// The addresses on the blocklist.
    public func blocklist() async throws -> [String] {
        let printed = try await ceph("osd", "blocklist", "ls", "--format", "json")
        // Ceph 16 prints two arrays in a row, the second one of ranges.
        let entries = printed.split(separator: "][").first.map { $0.hasSuffix("]") ? String($0) : $0 + "]" }
        return try JSONValue(parsing: entries ?? "[]").array.compactMap { $0["addr"]?.string }
    }

    /// Makes sure that an image is gone, for cleaning up after a test. A missing image is fine.
    public func removeImage(_ image: String, in pool: String) async throws {
        guard try await exists(image, in: pool) else { return }
        _ = try await run("rbd", ["snap", "purge", "--no-progress", "\(pool)/\(image)"])
        // A watcher that died without a word is counted for up to 30 s; until then the removal is refused.
        try await eventually("\(pool)/\(image) to be removed", within: .seconds(60)) {
            if try await run("rbd", ["rm", "--no-progress", "\(pool)/\(image)"]).succeeded { return true }
            return try await !exists(image, in: pool)
        }
    }
}
