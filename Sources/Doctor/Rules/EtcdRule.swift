/// What is to be said of etcd.
public enum EtcdRule {
    /// Of the quota, in percent, from which on it is told.
    static let fullness: Int64 = 80
    /// What etcd has unless `--quota-backend-bytes` says otherwise.
    static let defaultQuota: Int64 = 2 << 30
    /// In seconds, from which on a clock is told.
    static let skew = 3.0

    public static func results(_ seen: EtcdSeen) -> [CheckResult] {
        seen.members.map(result) + [cluster(seen), access(seen)]
    }

    // MARK: A member

    private static func result(_ member: EtcdSeen.Member) -> CheckResult {
        switch member.outcome {
        case .fails(.tls, let why):
            CheckResult(
                .etcdMember, member.endpoint, "",
                [
                    Finding(
                        .etcdTLS, "the TLS handshake with \(member.endpoint) failed: \(why)",
                        remedy:
                            "compare ETCD_CA, ETCD_CERT and ETCD_KEY with the server's certificate: 'openssl s_client -connect "
                            + "\(hostAndPort(member.endpoint)) -CAfile CA.pem'; it must name the host as ETCD_ENDPOINTS does"
                    )
                ])
        case .fails(.unreachable, let why):
            CheckResult(
                .etcdMember, member.endpoint, "",
                [
                    Finding(
                        .etcdUnreachable, "\(member.endpoint) does not answer: \(why)",
                        remedy: "try 'curl \(member.endpoint)/version' on this node; look whether etcd runs there "
                            + "('systemctl status etcd') and whether a firewall is in between")
                ])
        case .answers(let answer):
            CheckResult(
                .etcdMember, member.endpoint, summary(of: answer), findings(of: answer, at: member.endpoint))
        }
    }

    private static func summary(of answer: EtcdSeen.Answer) -> String {
        var parts = ["etcd \(answer.version)"]
        if let size = answer.databaseBytes { parts.append("\(Bytes.text(size)) of data") }
        if answer.hasLeader == true { parts.append("has a leader") }
        return parts.joined(separator: ", ")
    }

    private static func findings(of answer: EtcdSeen.Answer, at endpoint: String) -> [Finding] {
        var findings = answer.alarms.map { finding(of: $0, at: endpoint) }
        if isOld(answer.version) {
            findings.append(
                Finding(
                    .etcdOld, "\(endpoint) is etcd \(answer.version)",
                    remedy: "upgrade etcd to 3.4 or later, one minor release at a time"))
        }
        if answer.hasLeader == false {
            findings.append(
                Finding(
                    .etcdNoLeader, "\(endpoint) knows no leader",
                    remedy: "bring most members back; 'etcdctl endpoint status --cluster -w table' shows who is missing"
                ))
        }
        if let ailment = answer.ailment, answer.alarms.isEmpty, answer.hasLeader != false {
            findings.append(
                Finding(
                    .etcdUnwell, "\(endpoint) says that it is not healthy: \(ailment)",
                    remedy: "look at 'curl \(endpoint)/health', 'etcdctl alarm list' and etcd's log there"))
        }
        findings += [nearlyFull(answer, at: endpoint), skewed(answer, at: endpoint)].compactMap(\.self)
        return findings
    }

    private static func finding(of alarm: EtcdSeen.Alarm, at endpoint: String) -> Finding {
        switch alarm {
        case .noSpace:
            Finding(
                .etcdFull, "\(endpoint) has raised the alarm NOSPACE",
                remedy:
                    "compact ('etcdctl compact REVISION'), 'etcdctl defrag', then 'etcdctl alarm disarm'; raise "
                    + "--quota-backend-bytes if it fills up again")
        case .corrupt:
            Finding(
                .etcdCorrupt, "\(endpoint) has raised the alarm CORRUPT",
                remedy:
                    "find the member that differs ('etcdctl endpoint hashkv --cluster'), remove it and add it anew, then "
                    + "'etcdctl alarm disarm'")
        case .other(let name):
            Finding(
                .etcdUnwell, "\(endpoint) has raised the alarm \(name)",
                remedy: "look at 'etcdctl alarm list' and etcd's log")
        }
    }

    private static func nearlyFull(_ answer: EtcdSeen.Answer, at endpoint: String) -> Finding? {
        guard let size = answer.databaseBytes, !answer.alarms.contains(.noSpace) else { return nil }
        let quota = answer.quotaBytes ?? defaultQuota
        guard quota > 0, size / 100 * 100 >= quota / 100 * fullness else { return nil }
        let which = answer.quotaBytes == nil ? "etcd's default quota of" : "its quota of"
        return Finding(
            .etcdNearlyFull, "\(endpoint) has \(Bytes.text(size)) of data, of \(which) \(Bytes.text(quota))",
            remedy:
                "set --auto-compaction-retention, 'etcdctl defrag' one member at a time, or raise --quota-backend-bytes"
        )
    }

    private static func skewed(_ answer: EtcdSeen.Answer, at endpoint: String) -> Finding? {
        guard let ahead = answer.clockAhead, abs(ahead) >= skew else { return nil }
        let seconds = Int(abs(ahead).rounded())
        return Finding(
            .clockSkew, "the clock of \(endpoint) is \(seconds) s \(ahead > 0 ? "ahead of" : "behind") this node's",
            remedy: "see which of the two is wrong ('timedatectl', 'chronyc tracking'), and let both follow NTP")
    }

    /// - Returns: `false` for what is no version at all.
    private static func isOld(_ version: String) -> Bool {
        let numbers = version.split(separator: ".").prefix(2).map { Int($0) }
        guard numbers.count == 2, let major = numbers[0], let minor = numbers[1] else { return false }
        return (major, minor) < (3, 4)
    }

    private static func hostAndPort(_ endpoint: String) -> String {
        endpoint.firstRange(of: "://").map { String(endpoint[$0.upperBound...]) } ?? endpoint
    }

    // MARK: All of them

    private static func cluster(_ seen: EtcdSeen) -> CheckResult {
        let answers = seen.members.compactMap { member in member.answer.map { (member.endpoint, $0) } }
        guard !answers.isEmpty else { return .unknown(.etcdCluster, because: "no member answers") }
        var findings: [Finding] = []
        let clusters = Dictionary(grouping: answers.filter { $0.1.clusterID != nil }) { $0.1.clusterID ?? 0 }
        if clusters.count > 1 {
            let named = clusters.values.map { $0.map(\.0).joined(separator: ", ") }.sorted()
            findings.append(
                Finding(
                    .etcdSplit, "the endpoints are of \(clusters.count) clusters: \(named.joined(separator: " | "))",
                    remedy: "name only members of one cluster in ETCD_ENDPOINTS, the same on every node"))
        }
        let versions = Set(answers.map(\.1.version))
        if versions.count > 1 {
            findings.append(
                Finding(
                    .etcdVersionsDiffer, "the members have the versions \(versions.sorted().joined(separator: ", "))",
                    remedy: "finish the upgrade of etcd, member by member"))
        }
        return CheckResult(
            .etcdCluster, "", "\(answers.count) of \(seen.members.count) endpoints answer", findings)
    }

    private static func access(_ seen: EtcdSeen) -> CheckResult {
        let user = seen.user.map { "user \($0)" } ?? "no user"
        let grant = seen.user.map {
            "'etcdctl role grant-permission ROLE readwrite --prefix=true \(seen.prefix)' for a role of \($0)"
        }
        let setUser = "set ETCD_USERNAME and ETCD_PASSWORD_FILE to a user who may read and write below \(seen.prefix)"
        switch seen.access {
        case .full:
            return CheckResult(.etcdAccess, "", "\(user) may read and write below \(seen.prefix)")
        case .unknown(let why):
            return .unknown(.etcdAccess, because: why)
        case .loginRefused(let why):
            let remedy =
                seen.user.map {
                    "compare ETCD_PASSWORD_FILE with what 'etcdctl user passwd \($0)' has set; 'etcdctl user get \($0)' shows whether "
                        + "there is such a user"
                } ?? setUser
            return CheckResult(
                .etcdAccess, "", "", [Finding(.etcdLogin, "etcd refuses \(user): \(why)", remedy: remedy)])
        case .noRead(let why):
            return CheckResult(
                .etcdAccess, "", "",
                [
                    Finding(
                        .etcdNoRead, "\(user) may not read all keys below \(seen.prefix): \(why)",
                        remedy: grant ?? setUser)
                ])
        case .noWrite(let keys):
            return CheckResult(
                .etcdAccess, "", "",
                [
                    Finding(
                        .etcdNoWrite, "\(user) may not write keys such as \(keys.joined(separator: ", "))",
                        remedy: grant ?? setUser)
                ])
        }
    }
}
