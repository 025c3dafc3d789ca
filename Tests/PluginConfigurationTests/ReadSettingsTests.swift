import PluginConfiguration
import Testing

/// What is kept of settings with which the plugin would not start.
@Suite struct ReadSettingsTests {
    private func read(_ environment: [String: String], _ host: FakeHost = .with([:])) -> ReadSettings {
        host.read(environment)
    }

    @Test("Settings without a problem are read as a whole, as the plugin reads them")
    func whole() throws {
        let environment = ["RBD_CONF_GLOBAL_MON_HOST": "10.0.0.1", "NODE_NAME": "n1"]
        let read = read(environment)
        let loaded = try FakeHost.with([:]).load(environment)
        #expect(read.problems == [] && read.settings == loaded)
    }

    @Test("What is wrong with one backend leaves the other one usable, and nothing of its own")
    func parts() {
        let key = read(["RBD_CONF_KEYRING_KEY_FILE": "/nowhere", "NODE_NAME": "n1"])
        #expect(key.settings == nil && key.ceph == nil, "without the key it would be another user")
        #expect(key.etcd != nil && key.node != nil && key.problems.map(\.isAboutFile) == [true])
        let line = read(["RBD_CONF_CLIENT_KEY": "x", "NODE_NAME": "n1"])
        #expect(line.ceph == nil && line.etcd != nil)
        let etcd = read(["ETCD_USERNAME": "u", "NODE_NAME": "n1"])
        #expect(etcd.etcd == nil && etcd.ceph != nil && etcd.problems.map(\.isAboutFile) == [false])
        let both = read(["ETCD_USERNAME": "u", "RBD_MAPPER": "floppy", "NODE_NAME": "n1"])
        #expect(both.problems.map(\.name) == ["ETCD_USERNAME", "RBD_MAPPER"] && both.ceph != nil)
    }

    @Test("Settings are shown by name and value; what is a secret, or could be, by its name alone; others not at all")
    func shown() {
        let shown = SettingDescription.shown(of: [
            "HOME": "/root", "ETCD_PASSWORD": "p", "RBD_CONF_KEYRING_KEY": "k", "RBD_CONF_CLIENT_KEY": "c",
            "ETCD_ENDPOINTS": "http://u:p@e:1", "ETCD_KEY": "-----BEGIN PRIVATE KEY-----", "NODE_NAME": "n1",
            "RBD_CONF_GLOBAL_FOO": "bar", "RBD_MAPPER": "",
        ])
        let values = Dictionary(uniqueKeysWithValues: shown.map { ($0.name, $0.value) })
        let hidden = "<not shown>"
        #expect(
            values == [
                "ETCD_PASSWORD": hidden, "RBD_CONF_KEYRING_KEY": hidden, "RBD_CONF_CLIENT_KEY": hidden,
                "ETCD_ENDPOINTS": hidden, "ETCD_KEY": hidden, "NODE_NAME": "n1", "RBD_CONF_GLOBAL_FOO": "bar",
            ])
    }
}
