/// What Ceph may still count as clients although their processes are gone: the connections of earlier runs of this plugin,
/// which were killed. No device of this node is one of them: each mapping is a client of its own.
public protocol FormerClients: Sendable {
    /// Those of this boot of this node whose process is certain to have ended.
    func all() async throws -> [ClientAddress]

    /// Whether the client's address is one that this machine has now.
    func isThisMachines(_ client: ClientAddress) async throws -> Bool

    /// Nothing is to be done about the client any more.
    func forget(_ client: ClientAddress) async throws
}
