import Rig
import UntrustedJSON

@testable import EtcdClient
@testable import PluginConfiguration

/// The environment: a JSON object of texts. What a file holds is given under its path.
struct SettingsTarget: FuzzTarget {
    let name = "settings"
    let words =
        Setting.allCases.map(\.name) + [
            "/run/key", "/run/pem", "/run/password", "-----BEGIN CERTIFICATE-----", "https://", "http://", "[fe80::1]",
            ":2379", "etcd1", "10.0.0.1:6789", "mon_host", "debug", "json", "RBD_CONF_CLIENT_", "RBD_CONF_GLOBAL_",
            Self.secret, "client.", "25s", "10G", "61", "layering", "local", "none", "cephx",
        ]

    /// A key of the right form that belongs to no cluster.
    static let secret = "AQDVUgFrr9iTIhAApx0/XsZ0jLPjIXSpbQP5VA=="

    func run(_ input: [UInt8]) async throws(Broken) -> String {
        guard let environment = try? UntrustedJSON.decode([String: String].self, from: input) else { return "" }
        switch Result(catching: { () throws(SettingsError) in try Self.load(environment) }) {
        case .failure(let error):
            let said = error.problems.map(\.description).joined(separator: "\n")
            try Self.tellsNoSecret(said, environment)
            return kind(said)
        case .success(let settings):
            try Self.tellsNoSecret(settings.warnings.joined(separator: "\n") + "\(settings)", environment)
            for url in settings.etcd.endpoints { try Self.isUnderstood(url) }
            try Self.rendersWhatWasSet(settings.ceph)
            return "loaded \(settings.ceph.lines.count) \(settings.etcd.endpoints.count) \(settings.warnings.count)"
        }
    }

    private struct NoSuchFile: Error {}

    private static func load(_ environment: [String: String]) throws(SettingsError) -> Settings {
        try Settings.load(
            environment: environment,
            readFile: { path in
                guard let content = environment[path] ?? Self.files[path] else { throw NoSuchFile() }
                return content
            }, hostName: "node-1")
    }

    private static let files = [
        NodeSettings.bootIDFile: "0d7c1f7e-6f0a-4a55-9d2c-0c9a7f4b1e21\n", "/run/key": secret + "\n",
        "/run/pem": "-----BEGIN CERTIFICATE-----\nMIIB\n", "/run/password": "hunter2hunter2\n",
    ]

    private static func tellsNoSecret(_ said: String, _ environment: [String: String]) throws(Broken) {
        for setting in [Setting.keyringKey, .etcdPassword] {
            let secret = environment[setting.name] ?? ""
            // Shorter ones are parts of ordinary words.
            guard secret.utf8.count >= 12 else { continue }
            let isElsewhere = environment.contains { $0.key != setting.name && ($0.key + $0.value).contains(secret) }
            try hold(isElsewhere || !said.contains(secret), "\(setting.name) is told: \(said)")
        }
    }

    /// The settings and the client of etcd read addresses each in their own way.
    private static func isUnderstood(_ url: String) throws(Broken) {
        switch Result(catching: { () throws(EndpointListError) in try Endpoint.parse(url) }) {
        case .success(let endpoints): try hold(endpoints.count == 1, "\(url) is \(endpoints.count) endpoints")
        case .failure(let error): throw Broken("\(url) is accepted, and etcd's client cannot use it: \(error)")
        }
    }

    /// No value becomes a line or a section of its own.
    private static func rendersWhatWasSet(_ ceph: CephClientSettings) throws(Broken) {
        let rendered = CephConfRenderer.render(ceph, keyringPath: "/run/keyring", connectTimeout: .seconds(5))
        let lines = rendered.utf8.split(separator: UInt8(ascii: "\n")).map { text(Array($0)) }
        let sections = Set(ceph.lines.map(\.section)).count + 1
        try hold(lines.filter { $0.hasPrefix("[") }.count == sections, "the file has other sections:\n\(rendered)")
        let own = lines.filter { !$0.hasPrefix("[") }
        try hold(
            own.count >= ceph.lines.count && own.count <= ceph.lines.count + 4, "the file has other lines:\n\(rendered)"
        )
        for line in own { try hold(line.contains(" ="), "a line without a name:\n\(rendered)") }
    }
}
