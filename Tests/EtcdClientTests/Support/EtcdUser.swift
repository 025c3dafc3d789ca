import Rig

@testable import EtcdClient

extension EtcdServer {
    /// Changes a user's password, by etcd's root. etcd forgets the user's tokens by it.
    func changePassword(of user: String, to password: String, rootPassword: String) async throws {
        let root = try makeClient(url) { $0.credentials = EtcdCredentials(username: "root", password: rootPassword) }
        try await withClient(root) { root in
            let call = GatewayCall(
                operation: "change password", path: "/v3/auth/user/changepw",
                body: try WireJSON.encode(WireAuthenticateRequest(name: user, password: password)), isWrite: true)
            try await root.gateway.perform(call) { _ in }
        }
    }
}
