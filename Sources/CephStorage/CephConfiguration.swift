import CRados
import Glibc

/// The configuration of a `rados_t` before it connects.
enum CephConfiguration {
    /// Reads ceph.conf and sets the options on top of it (`rados_conf_read_file`,
    /// `rados_conf_set`).
    static func apply(_ settings: CephSettings, to raw: rados_t) throws {
        if let file = settings.confFile {
            let call = CephCall.reading("rados_conf_read_file", .cluster(settings.clusterName))
            let code = rados_conf_read_file(raw, file)
            if code < 0 { throw call.error(code, detail: "cannot read '\(file)'") }
        }
        for option in settings.options {
            // The value stays out of the error: it can be a key.
            try CephCall.reading("rados_conf_set", .option(option.name))
                .check(rados_conf_set(raw, option.name, option.value))
        }
    }

    /// Names what connecting needs and the configuration lacks, for the error of a failed
    /// connect, which is a bare number.
    static func whatIsMissing(_ raw: rados_t) -> String? {
        if let file = value("monmap", raw), file.isEmpty, let host = value("mon_host", raw), host.isEmpty {
            return "no monitor address is configured ('mon host')"
        }
        guard let method = value("auth_client_required", raw), method.contains("cephx") else { return nil }
        guard value("key", raw)?.isEmpty ?? true, value("keyfile", raw)?.isEmpty ?? true else { return nil }
        let keyrings = (value("keyring", raw) ?? "")
            .split { $0 == "," || $0 == ";" || $0 == " " }
            .map(String.init)
        if keyrings.contains(where: { access($0, R_OK) == 0 }) { return nil }
        return "no readable keyring at \(keyrings.joined(separator: ", "))"
    }

    /// One option as it stands (`rados_conf_get`), or nil for one that this release has not.
    static func value(_ option: String, _ raw: rados_t) -> String? {
        try? GrowingBuffer.string(.reading("rados_conf_get", .option(option))) { buffer, size in
            let code = rados_conf_get(raw, option, buffer, size)
            return code == -ENAMETOOLONG ? -ERANGE : code
        }
    }
}
