import PluginConfiguration
import Testing

@Suite struct CephConfTests {
    /// The settings that users of the predecessor have, with values of their form.
    static let asEver = [
        "LOG_LEVEL": "1", "RBD_CONF_MAP_DEVICE_ROOT": "/dev/rbd", "RBD_CONF_CLUSTER": "ceph",
        "RBD_CONF_KEYRING_USER": "client.admin", "RBD_CONF_KEYRING_KEY": SampleKey.valid,
        "RBD_CONF_KEYRING_CAPS_MDS": "allow *", "RBD_CONF_KEYRING_CAPS_MON": "allow *",
        "RBD_CONF_KEYRING_CAPS_OSD": "allow *", "ETCD_ENDPOINTS": "http://127.0.0.1:2379",
        "RBD_CONF_GLOBAL_FSID": "56779a1a-2dc1-1122-a152-f21221233d5d",
        "RBD_CONF_GLOBAL_MON_INITIAL_MEMBERS": "mon1, mon2, mon3",
        "RBD_CONF_GLOBAL_MON_HOST": "192.168.101.1,192.168.101.2", "RBD_CONF_GLOBAL_AUTH_CLUSTER_REQUIRED": "cephx",
        "RBD_CONF_GLOBAL_AUTH_SERVICE_REQUIRED": "cephx", "RBD_CONF_GLOBAL_AUTH_CLIENT_REQUIRED": "cephx",
        "RBD_CONF_GLOBAL_OSD_POOL_DEFAULT_SIZE": "2", "RBD_CONF_GLOBAL_PUBLIC_NETWORK": "192.168.100.0/23",
        "RBD_CONF_CLIENT_RBD_DEFAULT_FEATURES": "1", "RBD_CONF_MDS_SESSION_TIMEOUT": "120",
        "RBD_CONF_MDS_SESSION_AUTOCLOSE": "600",
    ]

    private func render(_ environment: [String: String], host: String? = nil, keyring: String? = nil) throws -> String {
        CephConfRenderer.render(
            try FakeHost().load(environment).ceph, hostConfiguration: host, keyringPath: keyring,
            connectTimeout: .milliseconds(9500))
    }

    @Test func `the settings of the predecessor become the ceph conf they always were`() throws {
        let settings = try FakeHost().load(Self.asEver)
        #expect(settings.warnings.isEmpty)
        #expect(settings.ceph.source == .settings)
        #expect(
            try render(Self.asEver, keyring: "/run/rbd-plugin/ceph.client.admin.keyring") == """
                [global]
                auth_client_required = cephx
                auth_cluster_required = cephx
                auth_service_required = cephx
                fsid = 56779a1a-2dc1-1122-a152-f21221233d5d
                mon_host = 192.168.101.1,192.168.101.2
                mon_initial_members = mon1, mon2, mon3
                osd_pool_default_size = 2
                public_network = 192.168.100.0/23

                [client]
                rbd_default_features = 1

                [mds]
                mds_session_autoclose = 600
                mds_session_timeout = 120

                [client.admin]
                keyring = /run/rbd-plugin/ceph.client.admin.keyring
                client_mount_timeout = 10
                log_file =
                admin_socket =

                """)
    }

    @Test func `the keyring holds the key and the caps`() throws {
        let ceph = try FakeHost().load(Self.asEver).ceph
        #expect(
            KeyringRenderer.render(ceph)?.reveal() == """
                [client.admin]
                \tkey = \(SampleKey.valid)
                \tcaps mds = "allow *"
                \tcaps mon = "allow *"
                \tcaps osd = "allow *"

                """)
    }

    @Test func `caps that are not given are not in the keyring, and quotes stay inside them`() throws {
        let ceph = try FakeHost().load([
            "RBD_CONF_KEYRING_USER": "docker", "RBD_CONF_KEYRING_KEY": SampleKey.valid,
            "RBD_CONF_KEYRING_CAPS_OSD": #"profile rbd pool="a\b""#,
        ]).ceph
        #expect(
            KeyringRenderer.render(ceph)?.reveal()
                == "[client.docker]\n\tkey = \(SampleKey.valid)\n\tcaps osd = \"profile rbd pool=\\\"a\\\\b\\\"\"\n")
    }

    @Test func `without a key there is no keyring, and Ceph is not told of one`() throws {
        let ceph = try FakeHost().load(["RBD_CONF_GLOBAL_MON_HOST": "m"]).ceph
        #expect(KeyringRenderer.render(ceph) == nil)
        #expect(try !render(["RBD_CONF_GLOBAL_MON_HOST": "m"]).contains("keyring"))
    }

    @Test func `lines of settings follow the host's file, and those of our client come last`() throws {
        let text = try render(
            ["RBD_CONF_KEYRING_USER": "docker", "RBD_CONF_CLIENT_RBD_CACHE": "false"],
            host: "[global]\nmon_host = 10.0.0.1\nlog file = /var/log/ceph/x.log\n", keyring: "/run/k")
        #expect(
            text == """
                [global]
                mon_host = 10.0.0.1
                log file = /var/log/ceph/x.log

                [client]
                rbd_cache = false

                [client.docker]
                keyring = /run/k
                client_mount_timeout = 10
                log_file =
                admin_socket =

                """)
    }

    @Test func `what a user chose for our own lines stays`() throws {
        let text = try render([
            "RBD_CONF_GLOBAL_LOG_FILE": "/var/log/rbd.log", "RBD_CONF_CLIENT_CLIENT_MOUNT_TIMEOUT": "5",
        ])
        #expect(text.contains("log_file = /var/log/rbd.log"))
        #expect(text.contains("client_mount_timeout = 5"))
        #expect(!text.contains("log_file =\n"))
        #expect(!text.contains("client_mount_timeout = 10"))
    }

    static let written = [
        ("a;b", "a\\;b"), ("a#b", "a\\#b"), ("a\"b'", "a\\\"b\\'"), ("a\\", "a\\\\"),
        ("[v2:10.0.0.1:3300,v1:10.0.0.1:6789]", "[v2:10.0.0.1:3300,v1:10.0.0.1:6789]"),
    ]

    @Test(arguments: written)
    func `signs that mean something in ceph conf are escaped`(value: String, written: String) throws {
        let lines = try render(["RBD_CONF_GLOBAL_MON_HOST": value]).split(separator: "\n")
        #expect(lines.prefix(2) == ["[global]", "mon_host = \(written)"])
    }

    @Test(arguments: ["x\n[osd]\na = b", "x\ry", "x\u{0}y", "x\ty\u{1b}"])
    func `a value cannot begin another line or section`(value: String) throws {
        let complaint = try #require(FakeHost().complaints(["RBD_CONF_GLOBAL_RUN_DIR": value]).first, "accepted")
        #expect(complaint.hasPrefix("RBD_CONF_GLOBAL_RUN_DIR is "))
        #expect(complaint.contains("line breaks"))
    }

    @Test(arguments: ["RBD_CONF_GLOBAL_A]", "RBD_CONF_CLIENT_A B", "RBD_CONF_CLIENT_A=B", "RBD_CONF_OSD_Ü"])
    func `a name cannot begin another line or section`(name: String) throws {
        let complaint = try #require(FakeHost().complaints([name: "1"]).first, "accepted")
        #expect(complaint.contains("letters, digits and underscores"))
    }

    @Test(arguments: ["RBD_CONF_GLOBAL_KEY", "RBD_CONF_CLIENT_KEY"])
    func `a key belongs into the keyring, and is not shown`(name: String) throws {
        let complaints = FakeHost().complaints([name: SampleKey.valid])
        #expect(complaints.count == 1)
        #expect(complaints.first?.hasPrefix("\(name) is not accepted") == true)
        #expect(complaints.first?.contains(SampleKey.valid) == false)
    }

    @Test(arguments: [("client.docker", "docker"), ("docker", "docker"), ("client.client.x", "client.x")])
    func `the user is named with or without client`(given: String, id: String) throws {
        #expect(try FakeHost().load(["RBD_CONF_KEYRING_USER": given]).ceph.user == id)
    }

    static let places: [(environment: [String: String], cluster: String, path: String)] = [
        ([:], "ceph", "/etc/ceph/ceph.conf"),
        (["RBD_CONF_CLUSTER": "prod"], "prod", "/etc/ceph/prod.conf"),
        (["CEPH_CONF": "/srv/ceph/lab.conf"], "lab", "/srv/ceph/lab.conf"),
        (["CEPH_CONF": "/srv/ceph/lab.conf", "RBD_CONF_CLUSTER": "prod"], "prod", "/srv/ceph/lab.conf"),
        (["CEPH_CONF": "/srv/ceph/config"], "ceph", "/srv/ceph/config"),
    ]

    @Test(arguments: places)
    func `the file of the host goes by the cluster, and the cluster by the file`(
        environment: [String: String], cluster: String, path: String
    ) throws {
        let ceph = try FakeHost().load(environment).ceph
        #expect(ceph.clusterName == cluster)
        #expect(ceph.source == .hostFile(path))
        #expect(ceph.confFileName == "\(cluster).conf")
        #expect(ceph.keyringFileName == "\(cluster).client.admin.keyring")
    }
}
