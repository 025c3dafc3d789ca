import FoundationEssentials
import Testing

@testable import CephStorage

/// What is read out of the monitors' answers, of old and new releases.
@Suite struct ClusterMapTests {
    private func dump(_ text: String) throws -> OSDDump {
        try JSONDecoder().decode(OSDDump.self, from: Data(text.utf8))
    }

    @Test("Of the map stays what matters to a client of RBD")
    func map() throws {
        let text = """
            {"epoch":20,"flags":"pausewr,sortbitwise","require_osd_release":"tentacle","require_min_compat_client":"reef",
            "pools":[{"pool":1,"pool_name":"a","flags_names":"hashpspool,nearfull","crush_rule":0,
            "application_metadata":{"rbd":{}}},{"pool":2,"pool_name":"b","flags_names":"","crush_rule":7,
            "application_metadata":{"cephfs":{"data":"x"}}}],"pg_upmap_primaries":[{"pgid":"1.0","primary_osd":2}],
            "blocklist":{"10.0.0.2:0/5":"2026-11-28T04:00:00","10.0.0.9:0/0":"2026-11-28T04:00:00"},
            "range_blocklist":{"10.1.0.0:0/16":"2026-11-28T04:00:00"}}
            """
        let map = try dump(text).model(multiStepRules: [7])
        #expect(
            map.flags == ["pausewr", "sortbitwise"] && map.requiredRelease == "tentacle" && map.oldestClient == "reef")
        #expect(map.upmapPrimaries == 1 && map.pools.map(\.name) == ["a", "b"])
        #expect(map.pools[0].flags == ["hashpspool", "nearfull"] && map.pools[0].applications == ["rbd"])
        #expect(map.pools.map(\.hasMultiStepRule) == [false, true] && map.pools[1].applications == ["cephfs"])
        #expect(map.blocklist == ["10.0.0.2:0/5", "10.0.0.9:0/0"] && map.blockedRanges == ["10.1.0.0:0/16"])
    }

    @Test("What older releases leave out is absent, and no error")
    func older() throws {
        let map = try dump(#"{"pools":[{"pool_name":"a","crush_rule":0}]}"#).model(multiStepRules: [])
        #expect(map.pools.map(\.name) == ["a"] && map.pools[0].applications == [] && map.upmapPrimaries == 0)
        #expect(map.blocklist == [] && map.blockedRanges == [])
    }

    @Test("Rules of the kinds 4 and 5 are MSR rules", arguments: [(1, false), (3, false), (4, true), (5, true)])
    func rules(type: Int, isMultiStep: Bool) throws {
        let rule = try JSONDecoder().decode(CrushRule.self, from: Data(#"{"rule_id":1,"type":\#(type)}"#.utf8))
        #expect(rule.isMultiStep == isMultiStep)
    }

    @Test("Complaints of the monitors come in the order of their codes, muted ones not at all")
    func health() throws {
        let text = """
            {"status":"HEALTH_ERR","checks":{"POOL_FULL":{"severity":"HEALTH_ERR","summary":{"message":"1 pool","count":1},
            "muted":false},"OSD_DOWN":{"severity":"HEALTH_WARN","summary":{"message":"1 osds down"}},
            "MON_CLOCK_SKEW":{"severity":"HEALTH_WARN","summary":{"message":"skew"},"muted":true}},"mutes":[]}
            """
        let checks = try JSONDecoder().decode(Health.self, from: Data(text.utf8)).model
        #expect(checks.map(\.code) == ["OSD_DOWN", "POOL_FULL"] && checks.map(\.isError) == [false, true])
    }
}
