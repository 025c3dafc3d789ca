import Glibc

extension RigEnvironment {
    /// Brings up a Ceph and an etcd of a test's own, below the shared rig's folder and gone with it at the latest.
    ///
    /// - Parameters:
    ///   - name: of the folder.
    ///   - namespace: the network namespace to run the servers in.
    ///   - address: the one they listen on; loopback unless given.
    public static func bringUp(
        _ name: String, in namespace: String? = nil, address: String? = nil
    ) async throws -> RigEnvironment {
        let shared = try required()
        let folder = "\(shared.scratch)/\(name)"
        let enter = namespace.map { ["nsenter", "--net=/run/netns/\($0)"] } ?? []
        let command = enter + [shared.scripts + "/up", folder]
        let result = try await runTool(
            command[0], Array(command.dropFirst()), settings: address.map { ["RIG_ADDRESS": $0] } ?? [:],
            within: .seconds(180))
        // Its logs stay to be read, out of the way of the next one: what is half made cannot be gone on with.
        if !result.succeeded { rename(folder, "\(folder).\(uniqueName("failed"))") }
        try result.checked()
        return try RigEnvironment(of: folder).inside(namespace)
    }

    /// Takes down a rig that ``bringUp(_:in:address:)`` has brought up.
    public func takeDown() async throws {
        guard !isShared else { throw RigFailure("the shared rig is in use by other tests") }
        let (script, folder) = (scripts + "/down", folder)
        try await Task { _ = try await runTool(script, [folder], within: .seconds(120)).checked() }.value
    }
}
