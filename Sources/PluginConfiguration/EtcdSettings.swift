/// Where etcd is and how to speak to it.
public struct EtcdSettings: Sendable, Equatable {
    /// URLs with scheme, host and port; at least one, each once, in the order given.
    public var endpoints: [String]
    /// What every key begins with. Ends with a slash.
    public var prefix: String
    /// User name and password: both or neither.
    public var credentials: Credentials?
    /// PEM file of the authorities to trust; nil means those of the system.
    public var caFile: String?
    /// Client certificate and its key, both PEM files: both or neither.
    public var clientCertificate: ClientCertificate?
}

extension EtcdSettings {
    /// A user of etcd.
    public struct Credentials: Sendable, Equatable {
        public var username: String
        public var password: Secret
        /// The file that holds the password, where it was given so; its content may change while the plugin runs.
        public var passwordFile: String?
    }

    /// The two PEM files by which this client proves who it is.
    public struct ClientCertificate: Sendable, Equatable {
        public var certificateFile: String
        public var keyFile: String
    }
}

extension EtcdSettings {
    /// What these settings give away to whoever can listen on the network: a sentence each, none with a secret in it. It can
    /// be asked for at any time.
    public var warnings: [String] {
        let plain = endpoints.filter { $0.hasPrefix("http:") }
        guard let credentials, !plain.isEmpty else { return [] }
        return [
            "The password and the tokens of etcd's user \(Text.quoted(credentials.username)) travel unencrypted to "
                + "\(plain.joined(separator: ", ")): anyone who can listen there can do whatever this user may. Name https "
                + "endpoints in ETCD_ENDPOINTS, and set ETCD_CA."
        ]
    }
}

extension EtcdSettings {
    init?(from reader: inout SettingsReader) {
        let prefix = reader.value(.etcdPrefix, Self.keyPrefix)
        let credentials = Self.credentials(from: &reader)
        let caFile = reader.pemFile(.etcdCA)
        let clientCertificate = Self.clientCertificate(from: &reader)
        let endpoints = Self.endpoints(from: &reader)
        guard let endpoints, let prefix else { return nil }
        self.init(
            endpoints: endpoints, prefix: prefix, credentials: credentials, caFile: caFile,
            clientCertificate: clientCertificate)
    }

    private static func endpoints(from reader: inout SettingsReader) -> [String]? {
        let tls = [Setting.etcdCA, .etcdCert].first { reader.given($0) != nil }
        // A password in a URL would end up in messages. The value is not repeated here for the same reason.
        guard reader.given(.etcdEndpoints)?.contains("@") != true else {
            reader.note(
                Setting.etcdEndpoints.name,
                "ETCD_ENDPOINTS must not contain \"@\": put the user and password into ETCD_USERNAME and ETCD_PASSWORD."
            )
            return nil
        }
        let urls = reader.value(.etcdEndpoints) { text throws(Refusal) in
            try EtcdEndpoint.urls(text, defaultScheme: tls == nil ? "http" : "https")
        }
        if let tls, let plain = urls?.first(where: { $0.hasPrefix("http:") }) {
            reader.note(
                Setting.etcdEndpoints.name,
                "ETCD_ENDPOINTS names \(plain), but \(tls.name) is set: without https it would have no effect.")
        }
        return urls
    }

    private static func credentials(from reader: inout SettingsReader) -> Credentials? {
        let username = reader.value(.etcdUsername) { text throws(Refusal) in text }
        let password = reader.secret(.etcdPassword, file: .etcdPasswordFile) { _ in }
        let passwordGiven = [Setting.etcdPassword, .etcdPasswordFile].contains { reader.given($0) != nil }
        if username != nil && !passwordGiven {
            reader.note(
                Setting.etcdUsername.name,
                "ETCD_USERNAME is set without a password: set ETCD_PASSWORD_FILE or ETCD_PASSWORD.")
        }
        if username == nil && passwordGiven {
            reader.note(Setting.etcdPassword.name, "A password for etcd is set without ETCD_USERNAME.")
        }
        guard let username, let password else { return nil }
        let file = reader.given(.etcdPasswordFile).flatMap { path in try? Text.absolutePath(path) }
        return Credentials(username: username, password: password, passwordFile: file)
    }

    private static func clientCertificate(from reader: inout SettingsReader) -> ClientCertificate? {
        let certificate = reader.pemFile(.etcdCert)
        let key = reader.pemFile(.etcdKey)
        if (reader.given(.etcdCert) == nil) != (reader.given(.etcdKey) == nil) {
            let (given, missing) =
                reader.given(.etcdCert) == nil ? ("ETCD_KEY", "ETCD_CERT") : ("ETCD_CERT", "ETCD_KEY")
            reader.note(given, "\(given) is set without \(missing): the certificate and its key go together.")
        }
        guard let certificate, let key else { return nil }
        return ClientCertificate(certificateFile: certificate, keyFile: key)
    }

    private static func keyPrefix(_ text: String) throws(Refusal) -> String {
        guard !text.contains(" "), text.contains(where: { $0 != "/" }), !text.contains("//") else {
            throw Refusal("it must be a path such as docker/volume/rbd/ without blanks and empty parts")
        }
        return text.hasSuffix("/") ? text : text + "/"
    }
}
