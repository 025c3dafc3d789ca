import Logging
import PluginConfiguration
import Testing
import VolumeCore

@Suite struct ConsistencyTests {
    @Test func `a request to etcd and one to Ceph fit into one operation`() {
        let complaints = FakeHost().complaints(["ETCD_TIMEOUT": "12s", "CEPH_TIMEOUT": "13s", "MOUNT_WAIT": "0"])
        #expect(
            complaints == [
                "ETCD_TIMEOUT (12s) and CEPH_TIMEOUT (13s) together must be less than OPERATION_TIMEOUT (25s)."
            ])
        #expect(FakeHost().complaints(["ETCD_TIMEOUT": "12s", "CEPH_TIMEOUT": "12s", "MOUNT_WAIT": "0"]).isEmpty)
    }

    @Test func `after waiting for another node there is time to map`() {
        #expect(
            FakeHost().complaints(["MOUNT_WAIT": "15s"]) == [
                "MOUNT_WAIT (15s) and CEPH_TIMEOUT (10s) together must be less than OPERATION_TIMEOUT (25s)."
            ])
    }

    @Test func `what is set for all nodes goes before a node's own limits, where it goes with the rest of them`() throws
    {
        let own = try FakeHost().load(["ETCD_TIMEOUT": "3s", "CEPH_TIMEOUT": "4s", "MOUNT_WAIT": "2s"])
        var global = GlobalSettings()
        #expect(own.limits.following(global).limits == own.limits)
        try global.set(.operationTimeout, "8s")
        try global.set(.mountWait, "3s")
        var expected = own.limits
        (expected.operation, expected.mountWait) = (.seconds(8), .seconds(3))
        let followed = own.limits.following(global)
        #expect(followed.limits == expected && followed.problem == nil)
        for (option, value) in [(GlobalOption.operationTimeout, "7s"), (.mountWait, "4s")] {
            var bad = global
            try bad.set(option, value)
            let refused = own.limits.following(bad)
            #expect(refused.limits == own.limits && refused.problem?.contains("together must be less than") == true)
        }
    }

    @Test func `the log's level is that for all nodes, where there is one`() throws {
        let own = try FakeHost().load(["LOG_LEVEL": "warn"]).log
        var global = GlobalSettings()
        #expect(own.level(following: global) == .warning)
        for (text, level) in [("error", Logger.Level.error), ("1", .warning), ("info", .info), ("3", .debug)] {
            try global.set(.logLevel, text)
            #expect(own.level(following: global) == level)
        }
    }

    @Test func `one lost sign of life does not make a node look dead`() throws {
        let complaint = try #require(FakeHost().complaints(["NODE_TTL": "16s"]).first)
        #expect(complaint.hasPrefix("NODE_TTL (16s) must be more than twice ETCD_TIMEOUT (8s)"))
        #expect(FakeHost().complaints(["NODE_TTL": "17s"]).isEmpty)
    }

    @Test func `an operation longer than Docker waits is pointed out`() throws {
        let settings = try FakeHost().load(["OPERATION_TIMEOUT": "30s"])
        #expect(settings.warnings.count == 1)
        #expect(settings.warnings.first?.contains("--timeout") == true)
    }

    @Test func `CEPH_CONF beside monitors is pointed out`() throws {
        let settings = try FakeHost().load(["CEPH_CONF": "/etc/ceph/a.conf", "RBD_CONF_GLOBAL_MON_HOST": "10.0.0.1"])
        #expect(settings.ceph.source == .settings)
        #expect(settings.warnings == ["CEPH_CONF is not used, because RBD_CONF_GLOBAL_MON_HOST is set."])
    }

    @Test(arguments: [
        ("ETCD_ENDPOINT", "Was ETCD_ENDPOINTS meant?"),
        ("RBD_DEFAULT_POLL", "Was RBD_DEFAULT_POOL meant?"),
        ("RBD_CONF_KEYRING_KEYS", "Was RBD_CONF_KEYRING_KEY meant?"),
        ("RBD_CONF_GLOBL_FSID", "Was RBD_CONF_GLOBAL_FSID meant?"),
        ("RBD_SOMETHING_ELSE_ALTOGETHER", "is not a setting of this plugin."),
    ])
    func `a name that looks like a setting and is none is pointed out, not refused`(
        name: String, said: String
    ) throws {
        let warnings = try FakeHost().load([name: "s3cr3t"]).warnings
        #expect(warnings.count == 1)
        #expect(warnings.first?.hasPrefix(name) == true)
        #expect(warnings.first?.hasSuffix(said) == true)
        #expect(warnings.first?.contains("s3cr3t") == false)
    }

    @Test(arguments: [["PATH": "/bin"], ["HOME": "/root"], ["RBD_TYPO": ""], ["RBD_CONF_OSD_MAX_BACKFILLS": "1"]])
    func `names of others, empty ones and lines of ceph conf are no reason to warn`(
        environment: [String: String]
    ) throws {
        #expect(try FakeHost().load(environment).warnings.isEmpty)
    }

    @Test func `the host name serves as node name only if it can`() throws {
        var host = FakeHost()
        host.name = "my host"
        #expect(host.complaints([:]).first?.contains("set NODE_NAME") == true)
        #expect(try host.load(["NODE_NAME": "n1"]).node.identity.node == "n1")
    }

    @Test(arguments: ["", "soon\n", "0d7c1f7e\n"])
    func `a boot id that is none stops the start`(content: String) throws {
        let host = FakeHost.with([NodeSettings.bootIDFile: content])
        #expect(host.complaints([:]).first?.contains(NodeSettings.bootIDFile) == true)
    }

    @Test func `a boot id that cannot be read stops the start with the reason`() {
        var host = FakeHost()
        host.files = [:]
        #expect(
            host.complaints([:]) == [
                "The id of this boot cannot be read from /proc/sys/kernel/random/boot_id: no such file."
            ])
    }
}
