import CRados
import Glibc
import VolumeCore

/// The key of librados' configuration: `key`, else the file `keyfile`, else the first keyring that can be read. Files are
/// read anew each time. All calls block.
enum ClientKey {
    /// - Throws: ``CephError`` with `ENOENT` when there is none and the cluster wants one.
    static func find(_ user: String, _ raw: rados_t) throws -> CephKey? {
        let key = read(user, raw)
        guard key == nil, value("auth_client_required", raw).contains("cephx") else { return key }
        throw CephCall.reading("rados_conf_get", .option("keyring")).error(
            ENOENT, detail: CephConfiguration.whatIsMissing(raw) ?? "it holds no key of client.\(user)")
    }

    /// `nil` when there is none.
    static func read(_ user: String, _ raw: rados_t) -> CephKey? {
        let (key, keyfile) = (value("key", raw), value("keyfile", raw))
        if !key.isEmpty { return CephKey(base64: key) }
        if !keyfile.isEmpty {
            return KeyringText.read(keyfile).flatMap { CephKey(base64: KeyringText.trimmed($0[...])) }
        }
        return keyring(value("keyring", raw)).flatMap { KeyringText.key(of: user, in: $0) }
    }

    private static func value(_ option: String, _ raw: rados_t) -> String { CephConfiguration.value(option, raw) ?? "" }

    private static func keyring(_ paths: String) -> String? {
        paths.split { $0 == "," || $0 == ";" || $0 == " " }.map(String.init)
            .first { access($0, R_OK) == 0 }
            .flatMap(KeyringText.read)
    }
}
