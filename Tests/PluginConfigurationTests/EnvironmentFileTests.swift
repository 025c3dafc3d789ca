import PluginConfiguration
import Testing

@Suite struct EnvironmentFileTests {
    @Test(
        "A file of variables is read as systemd reads it",
        arguments: [
            ("A=b", ["A": "b"]), ("A=b\nC=d\n", ["A": "b", "C": "d"]), ("#A=b\n;C=d\n\nE=f", ["E": "f"]),
            ("  A = b c \t\n", ["A": "b c"]), ("A=", ["A": ""]), ("A\nB=c", ["B": "c"]), ("A=b=c", ["A": "b=c"]),
            ("A='b \" c '", ["A": "b \" c "]), ("A=\"b ' \\\" \\n\"", ["A": "b ' \" \\n"]),
            ("A='b'\"c\"d", ["A": "bcd"]),
            ("A=b\\\nc", ["A": "bc"]), ("A=b\\ ", ["A": "b "]), ("A=b#c", ["A": "b#c"]), ("A=b'c'", ["A": "b'c'"]),
            ("A='b\nc'", ["A": "b\nc"]), ("A=b\r\n", ["A": "b"]), ("A=1\nA=2", ["A": "2"]), ("A=ü", ["A": "ü"]),
        ])
    func file(text: String, variables: [String: String]) {
        #expect(EnvironmentFile.variables(in: text) == variables)
    }

    @Test("A process's variables are told apart by the zeros behind them, whatever is in them")
    func block() {
        let text = "A=b c\nd\0B=\0C=e=f\0stray\0"
        #expect(EnvironmentFile.variables(inBlock: text) == ["A": "b c\nd", "B": "", "C": "e=f"])
    }

    @Test(
        "Only a setting that says where etcd or Ceph is counts as given",
        arguments: [
            (["ETCD_ENDPOINTS": "a:1"], true), (["RBD_CONF_GLOBAL_MON_HOST": "a"], true), (["CEPH_CONF": "/a"], true),
            (["RBD_CONF_CLIENT_DEBUG_MS": "1"], true), (["ETCD_ENDPOINTS": ""], false), (["LOG_LEVEL": "debug"], false),
            (["NODE_NAME": "a"], false), (["RBD_PLUGIN": "wetopi/rbd"], false), (["CEPH_CONFIGURATION": "a"], false),
            (["ETCD_DATA_DIR": "/a"], false), ([:], false),
        ])
    func given(variables: [String: String], areGiven: Bool) {
        #expect(Setting.areGiven(in: variables) == areGiven)
    }
}
