import Glibc
import Logging
import PluginConfiguration
import RBDDriver

/// The ceph.conf and the keyring that librados, `rbd` and qemu read here, rendered from the settings.
struct CephClientConfiguration: Sendable {
    let confPath: String
    /// Where the key is; `nil` when the settings hold none, and Ceph looks in its usual places.
    let keyringPath: String?
    private let settings: CephClientSettings
    private let connectTimeout: Duration
    private let directory: String

    init(_ settings: CephClientSettings, directory: String, connectTimeout: Duration) {
        self.settings = settings
        self.connectTimeout = connectTimeout
        self.directory = directory
        confPath = "\(directory)/\(settings.confFileName)"
        keyringPath = settings.key == nil ? nil : "\(directory)/\(settings.keyringFileName)"
    }

    /// Writes both files.
    /// - Throws: also when the host's file cannot be read: it may appear later.
    func write() throws {
        try PrivateFile.makeDirectory(directory)
        if let keyringPath, let keyring = KeyringRenderer.render(settings) {
            try PrivateFile.write(keyring.reveal(), to: keyringPath)
        }
        var host: String?
        if case .hostFile(let path) = settings.source {
            do {
                host = try TextFile.read(path)
            } catch {
                throw Missing(path: path, reason: "\(error)")
            }
        }
        let text = CephConfRenderer.render(
            settings, hostConfiguration: host, keyringPath: keyringPath, connectTimeout: connectTimeout)
        try PrivateFile.write(text, to: confPath)
    }

    /// Writes the keyring anew when the key's file holds another key by now. Blocking.
    func renewKeyring() throws {
        guard let keyringPath, let file = settings.keyFile else { return }
        var current = settings
        current.key = try CephClientSettings.key(at: file, readFile: TextFile.read)
        guard let keyring = KeyringRenderer.render(current)?.reveal() else { return }
        guard (try? TextFile.read(keyringPath)) != keyring else { return }
        try PrivateFile.write(keyring, to: keyringPath)
    }

    /// Removes both files, and the folder when nothing else is in it: nobody reads them any more, and the folder may be on a
    /// disk.
    func remove() {
        for file in [confPath, keyringPath].compactMap(\.self) { unlink(file) }
        rmdir(directory)
    }

    /// Goes on trying until both files are there.
    func writeWhenPossible(log: Logger) async {
        var isTold = false
        while !Task.isCancelled {
            do {
                return try write()
            } catch {
                if !isTold { log.error("there is no Ceph configuration yet", metadata: ["error": "\(error)"]) }
                isTold = true
                try? await Task.sleep(for: .seconds(2))
            }
        }
    }

    struct Missing: Error, CustomStringConvertible {
        let path: String
        let reason: String

        var description: String {
            "cannot read \(path): \(reason); set RBD_CONF_GLOBAL_MON_HOST, or CEPH_CONF to the path of a ceph.conf"
        }
    }
}
