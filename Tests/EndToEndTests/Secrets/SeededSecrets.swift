import FoundationEssentials
import PluginConfiguration
import Rig

/// Every secret that the plugin is given, in every setting that can hold one.
struct SeededSecrets: Sendable {
    /// How it is given.
    enum Way: String, Sendable, CaseIterable {
        case values, files
    }

    let way: Way
    /// Never right: for showing what is said of a wrong one.
    let isWrong: Bool
    private let key: String
    private let password: String
    /// PEM.
    private let privateKey: String
    private let folder: String
    private let certificates: EtcdCertificates

    /// - Parameter folder: for the files that hold them.
    init(
        _ way: Way, right rig: RigEnvironment, password: String, _ certificates: EtcdCertificates, folder: String
    ) throws {
        self.init(
            way, isWrong: false, key: try text(of: rig.cephKeyFile).filter { !$0.isWhitespace }, password: password,
            privateKey: try text(of: certificates.clientKey), folder: folder, certificates: certificates)
    }

    private init(
        _ way: Way, isWrong: Bool, key: String, password: String, privateKey: String, folder: String,
        certificates: EtcdCertificates
    ) {
        self.way = way
        self.isWrong = isWrong
        self.key = key
        self.password = password
        self.privateKey = privateKey
        self.folder = folder
        self.certificates = certificates
    }

    /// The same with a key and a password of the right form that nobody knows.
    func wrong() -> SeededSecrets {
        // Type 1, a time, and the length of what follows (the form that `ceph auth get-key` prints).
        let bytes = [1, 0] + [UInt8](repeating: 7, count: 8) + [16, 0] + randomBytes(16)
        return SeededSecrets(
            way, isWrong: true, key: Data(bytes).base64EncodedString(), password: uniqueName("wrong-password"),
            privateKey: privateKey, folder: folder, certificates: certificates)
    }

    /// The settings of `SettingDescription` that hold secrets themselves, and those that name the files of secrets.
    func settings() throws -> [String: String?] {
        let (keyFile, passwordFile) = ("\(folder)/key-\(isWrong)", "\(folder)/password-\(isWrong)")
        try write(key, to: keyFile)
        try write(password + "\n", to: passwordFile)
        let given: [String: String] =
            switch way {
            case .values: ["RBD_CONF_KEYRING_KEY": key, "ETCD_PASSWORD": password]
            case .files: ["RBD_CONF_KEYRING_KEY_FILE": keyFile, "ETCD_PASSWORD_FILE": passwordFile]
            }
        return given.merging([
            "ETCD_USERNAME": "docker", "ETCD_CA": certificates.authority, "ETCD_CERT": certificates.client,
            "ETCD_KEY": certificates.clientKey,
        ]) { $1 }.mapValues { $0 }
    }

    /// Every setting that the list of settings calls a secret is one of those above.
    static let known = SettingDescription.all.filter(\.isSecret).map(\.setting.name)
    static let seeded = ["RBD_CONF_KEYRING_KEY", "ETCD_PASSWORD"]

    /// The texts that must show nowhere, by what they are.
    var needles: [(what: String, text: String)] {
        let pem = privateKey.split(separator: "\n").map(String.init)
        return [
            ("the Ceph key", key), ("the end of the Ceph key", String(key.suffix(20))),
            ("etcd's password", password), ("etcd's password in base64", Data(password.utf8).base64EncodedString()),
            ("the TLS key", pem.first { !$0.hasPrefix("-") } ?? privateKey),
        ]
    }

    /// What the keyring must hold, and nothing else may.
    var ofKeyring: String { key }
}
