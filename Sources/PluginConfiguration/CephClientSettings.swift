/// Which cluster to speak to, as whom, and what goes into the configuration that all Ceph clients here read.
public struct CephClientSettings: Sendable, Equatable {
    /// Name of the cluster, `ceph` nearly everywhere.
    public var clusterName: String
    /// Where the monitors are said to be.
    public var source: CephConfSource
    /// Lines from `RBD_CONF_<SECTION>_<KEY>`, sorted by section and key.
    public var lines: [CephConfLine]
    /// The client's id, without `client.`.
    public var user: String
    /// That client's key. Nil means that Ceph searches the keyrings of `/etc/ceph`.
    public var key: Secret?
    /// The file that holds the key, where it was given so; its content may change while the plugin runs.
    public var keyFile: String?
    /// For information in the keyring; what counts is what the monitors know.
    public var caps: CephCaps

    /// The client's full name, such as `client.docker`.
    public var clientName: String { "client.\(user)" }

    /// The file name for the rendered configuration. Ceph takes the cluster's name from it, and with that the names
    /// of the keyrings it looks for.
    public var confFileName: String { "\(clusterName).conf" }

    /// The file name for the rendered keyring.
    public var keyringFileName: String { "\(clusterName).\(clientName).keyring" }
}

/// Where the Ceph configuration comes from.
public enum CephConfSource: Sendable, Equatable {
    /// All of it from settings; `RBD_CONF_GLOBAL_MON_HOST` is given.
    case settings
    /// The host's file at this path; lines from settings come on top.
    case hostFile(String)
}

/// Caps as they stand in a keyring, for monitors, OSDs and metadata servers.
public struct CephCaps: Sendable, Equatable {
    public var mon: String?
    public var osd: String?
    public var mds: String?

    /// No caps unless given.
    public init(mon: String? = nil, osd: String? = nil, mds: String? = nil) {
        self.mon = mon
        self.osd = osd
        self.mds = mds
    }
}

extension CephClientSettings {
    init?(from reader: inout SettingsReader) {
        let clusterName = reader.value(.cluster, Self.clusterName)
        let user = reader.value(.keyringUser, Self.userID)
        let key = reader.secret(.keyringKey, file: .keyringKeyFile, Self.checkKey)
        let caps = CephCaps(
            mon: reader.value(.keyringCapsMon, Self.unchanged),
            osd: reader.value(.keyringCapsOSD, Self.unchanged),
            mds: reader.value(.keyringCapsMDS, Self.unchanged))
        let confFile = reader.value(.cephConf, Text.absolutePath)
        let lines = CephConfLine.all(from: &reader)
        Self.refuseKeys(amongLinesOf: &reader)
        guard var clusterName, let user else { return nil }
        if reader.given(.cluster) == nil, let confFile, let named = Self.clusterName(ofConfFile: confFile) {
            clusterName = named
        }
        self.init(
            clusterName: clusterName, source: Self.source(confFile, clusterName, &reader), lines: lines, user: user,
            key: key, keyFile: reader.given(.keyringKeyFile), caps: caps)
    }

    /// The key that the file holds now.
    ///
    /// - Parameter readFile: gives the text of a file.
    public static func key(at path: String, readFile: (String) throws -> String) throws -> Secret {
        let key = try SecretFile.secret(at: path, readFile: readFile)
        do throws(Refusal) {
            try checkKey(key.reveal())
        } catch {
            throw SecretFile.Unusable(path: path, clause: error.clause)
        }
        return key
    }

    private static func source(
        _ confFile: String?, _ clusterName: String, _ reader: inout SettingsReader
    ) -> CephConfSource {
        guard reader.given(.monHost) != nil else {
            return .hostFile(confFile ?? "/etc/ceph/\(clusterName).conf")
        }
        if confFile != nil {
            reader.warn("CEPH_CONF is not used, because RBD_CONF_GLOBAL_MON_HOST is set.")
        }
        return .settings
    }

    /// `/etc/ceph/prod.conf` belongs to the cluster `prod`, as everywhere in Ceph.
    private static func clusterName(ofConfFile path: String) -> String? {
        guard let file = path.split(separator: "/").last, file.hasSuffix(".conf") else { return nil }
        return try? clusterName(String(file.dropLast(5)))
    }

    private static func clusterName(_ text: String) throws(Refusal) -> String {
        guard Text.consists(text, ofLettersDigitsAnd: "-_") else {
            throw Refusal("it must consist of letters, digits, \"-\" and \"_\"")
        }
        return text
    }

    private static func userID(_ text: String) throws(Refusal) -> String {
        let id = text.hasPrefix("client.") ? String(text.dropFirst("client.".count)) : text
        guard Text.consists(id, ofLettersDigitsAnd: ".-_@") else {
            throw Refusal("it must be the name of a Ceph client such as docker or client.docker")
        }
        return id
    }

    private static func unchanged(_ text: String) throws(Refusal) -> String { text }

    /// A key in a line of `ceph.conf` would be readable where a key in a keyring is not.
    private static func refuseKeys(amongLinesOf reader: inout SettingsReader) {
        for name in reader.environment.keys.sorted() {
            guard let place = CephConfLine.place(ofSetting: name), place.key == "key" else { continue }
            guard reader.given(named: name) != nil else { continue }
            reader.note(name, "\(name) is not accepted: set RBD_CONF_KEYRING_KEY_FILE or RBD_CONF_KEYRING_KEY.")
        }
    }
}
