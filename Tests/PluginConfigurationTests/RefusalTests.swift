import PluginConfiguration
import Testing

/// A wrong value stops the start with one sentence that names the setting, the value and what is accepted.
@Suite struct RefusalTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let value: String
        let accepted: String

        init(_ name: String, _ value: String, _ accepted: String) {
            self.name = name
            self.value = value
            self.accepted = accepted
        }

        var testDescription: String { "\(name)=\(value)" }
    }

    static let cases: [Case] = [
        Case("LOG_LEVEL", "4", "3 or debug"),
        Case("LOG_LEVEL", "-1", "3 or debug"),
        Case("LOG_FORMAT", "xml", "text, json"),
        Case("RBD_MAPPER", "iscsi", "auto, krbd, nbd, fuse"),
        Case("RBD_SCOPE", "galaxy", "global, local"),
        Case("RBD_DEFAULT_FSTYPE", "zfs", "ext4, xfs, btrfs"),
        Case("RBD_DEFAULT_POOL", "a/b", "without blanks, '/'"),
        Case("RBD_DEFAULT_POOL", "-f", "leading '-'"),
        Case("RBD_DEFAULT_SIZE", "0", "from 1M to 4P"),
        Case("RBD_DEFAULT_SIZE", "-5", "from 1M to 4P"),
        Case("RBD_DEFAULT_SIZE", "1e99", "from 1M to 4P"),
        Case("RBD_DEFAULT_SIZE", "18446744073709551615", "from 1M to 4P"),
        Case("RBD_DEFAULT_SIZE", "10X", "512M, 1.5G, 10GiB or 1T"),
        Case("RBD_DEFAULT_ORDER", "11", "from 12"),
        Case("RBD_DEFAULT_ORDER", "26", "to 25"),
        Case("RBD_DEFAULT_ORDER", "big", "from 12"),
        Case("RBD_ALLOWED_POOLS", "rbd,,fast", "names of pools"),
        Case("RBD_ALLOWED_POOLS", "rbd,a/b", "names of pools"),
        Case("RBD_ALLOW_ADOPT", "maybe", "true or false"),
        Case("RBD_MAX_SIZE", "0", "from 1M to 4P"),
        Case("RBD_MAX_SIZE", "256M", "not be less than RBD_DEFAULT_SIZE"),
        Case("RBD_MAX_VOLUMES", "0", "greater than 0"),
        Case("RBD_MAX_VOLUMES", "-1", "greater than 0"),
        Case("RBD_MAX_VOLUMES", "many", "greater than 0"),
        Case("OPERATIONS_PER_POOL", "0", "from 1"),
        Case("OPERATIONS_PER_POOL", "257", "to 256"),
        Case("OPERATIONS_PER_POOL", "all", "from 1"),
        Case("RBD_DEFAULT_FEATURES", "layering,teleport", "layering, exclusive-lock"),
        Case("RBD_DEFAULT_FEATURES", "0", "the sum of the bits of layering"),
        Case("RBD_DEFAULT_FEATURES", "4096", "the sum of the bits of layering"),
        Case("RBD_DEFAULT_FEATURES", "object-map", "object-map needs exclusive-lock"),
        Case("RBD_DEFAULT_FEATURES", "fast-diff,exclusive-lock", "fast-diff needs object-map"),
        Case("RBD_CONF_CLIENT_RBD_DEFAULT_FEATURES", "8", "object-map needs exclusive-lock"),
        Case("RBD_DEFAULT_MOUNT_OPTIONS", "commit=30", "not accepted for xfs: 'commit=30' is not known"),
        Case("RBD_DEFAULT_MOUNT_OPTIONS", "ext4:errors=panic", "'errors=panic' would stop the whole host"),
        Case("RBD_DEFAULT_MOUNT_OPTIONS", "ext4:noatime;discard", "ext4:LIST"),
        Case("RBD_DEFAULT_MKFS_OPTIONS", "xfs:-Z", "not accepted for xfs: '-Z' is not known"),
        Case("RBD_MAP_OPTIONS", "queue_depth=128, ,x", "separated by commas"),
        Case("RBD_MAP_OPTIONS", "--help", "NAME or NAME=VALUE"),
        Case("RBD_MAP_OPTIONS", "a b", "without blanks"),
        Case("RBD_MOUNT_OPTIONS", "nosuid,suid", "nosuid, nodev"),
        Case("RBD_MOUNT_OPTIONS", "nosuid,,nodev", "nosuid, nodev"),
        Case("RBD_MOUNT_OPTIONS", "context=", "context=…"),
        Case("RBD_MOUNT_OPTIONS", "noatime", "nosuid, nodev"),
        Case("RBD_CONF_MAP_DEVICE_ROOT", "dev/rbd", "absolute path"),
        Case("RBD_STATE_DIR", "/run/../etc", "absolute path without"),
        Case("RBD_STATE_DIR", "/", "absolute path"),
        Case("RBD_STATE_DIR", "/run/a,b", "letters, digits"),
        Case("CEPH_CONF", "ceph.conf", "absolute path"),
        Case("RBD_CONF_CLUSTER", "../x", "letters, digits"),
        Case("RBD_CONF_KEYRING_USER", "docker]", "such as docker or client.docker"),
        Case("RBD_CONF_KEYRING_USER", "client.", "such as docker or client.docker"),
        Case("NODE_NAME", "rack/7", "letters, digits"),
        Case("NODE_NAME", "..", "letters, digits"),
        Case("ETCD_ENDPOINTS", "ftp://etcd1", "http or https"),
        Case("ETCD_ENDPOINTS", ",", "at least one server"),
        Case("ETCD_ENDPOINTS", "etcd1:0", "from 1 to 65535"),
        Case("ETCD_ENDPOINTS", "etcd1:65536", "from 1 to 65535"),
        Case("ETCD_ENDPOINTS", "etcd1:", "from 1 to 65535"),
        Case("ETCD_ENDPOINTS", "http://etcd1:2379/v3", "nothing may follow"),
        Case("ETCD_ENDPOINTS", "http://etcd 1", "not a host name"),
        Case("ETCD_ENDPOINTS", "fe80::1", "needs brackets"),
        Case("ETCD_ENDPOINTS", "[fe80::1]x", "follow the bracket"),
        Case("ETCD_PREFIX", "/", "a path such as"),
        Case("ETCD_PREFIX", "a//b", "without blanks and empty parts"),
        Case("OPERATION_TIMEOUT", "4s", "between 5s and 110s"),
        Case("OPERATION_TIMEOUT", "10m", "between 5s and 110s"),
        Case("CEPH_TIMEOUT", "0", "between 1s and 1m"),
        Case("CEPH_TIMEOUT", "1.5s", "whole number with a unit"),
        Case("ETCD_TIMEOUT", "-1s", "whole number with a unit"),
        Case("ETCD_TIMEOUT", "9223372036854775807y", "whole number with a unit"),
        Case("NODE_TTL", "1s", "between 5s and 10m"),
        Case("MOUNT_WAIT", "1h", "between 0s and 100s"),
        Case("BLOCKLIST_EXPIRY", "1h", "between 1d and 100y"),
        Case("HISTORY_KEEP", "11y", "between 0s and 10y"),
        Case("METRICS_LISTEN", "localhost:9285", "a numeric address and a port"),
        Case("METRICS_LISTEN", "127.0.0.1", "a numeric address and a port"),
        Case("METRICS_LISTEN", "127.0.0.1:0", "a numeric address and a port"),
        Case("METRICS_LISTEN", "::1:9285", "as in 9285, 127.0.0.1:9285 or [::1]:9285"),
        Case("METRICS_LISTEN", "65536", "a numeric address and a port"),
        Case("METRICS_LISTEN", "0.0.0.0:9285", "METRICS_TOKEN_FILE must be set as well"),
        Case("METRICS_LISTEN", "[::]:9285", "METRICS_TOKEN_FILE must be set as well"),
        Case("METRICS_TOKEN_FILE", "/etc/ceph/missing", "no such file"),
        Case("METRICS_VOLUMES", "-1", "from 0 to 10000"),
    ]

    @Test(arguments: cases)
    func `a wrong value is refused by name, with what is accepted`(wrong: Case) throws {
        let complaints = FakeHost().complaints([wrong.name: wrong.value])
        let complaint = try #require(complaints.first, "accepted")
        #expect(complaints.count == 1)
        #expect(complaint.hasPrefix("\(wrong.name) is \"\(wrong.value)\": "))
        #expect(complaint.contains(wrong.accepted))
        #expect(complaint.hasSuffix("."))
        #expect(!complaint.contains("\n"))
    }

    @Test(arguments: Setting.allCases)
    func `no setting takes a line break`(setting: Setting) throws {
        let complaints = FakeHost().complaints([setting.name: "a\n[global]\nmon_host = evil"])
        let complaint = try #require(complaints.first, "accepted")
        #expect(complaint.contains(setting.name))
        #expect(!complaint.contains("\n"), "the sentence must stay on its line")
    }

    @Test func `a wrong value given for a setting of ceph is reported once`() {
        #expect(FakeHost().complaints(["RBD_CONF_CLIENT_RBD_DEFAULT_FEATURES": "1\n"]).count == 1)
    }

    @Test func `E8: the pool that is taken without the option must be one that may be used`() {
        let wrong = FakeHost().complaints(["RBD_ALLOWED_POOLS": "a,b", "RBD_DEFAULT_POOL": "c"])
        #expect(wrong == ["RBD_ALLOWED_POOLS is \"a,b\": it must contain RBD_DEFAULT_POOL."])
        #expect(FakeHost().complaints(["RBD_ALLOWED_POOLS": "a,b", "RBD_DEFAULT_POOL": "b"]).isEmpty)
    }

    @Test func `a very long value is cut in the message`() throws {
        let complaint = try #require(FakeHost().complaints(["LOG_LEVEL": String(repeating: "x", count: 5000)]).first)
        #expect(complaint.count < 300)
    }
}
