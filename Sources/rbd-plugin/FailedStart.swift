import Glibc
import PluginConfiguration

/// What a managed plugin does when it cannot start.
enum FailedStart {
    /// Stays until Docker gives it up, where the program is process 1 of a container.
    ///
    /// While Docker waits for the socket, some 10 s, it starts a plugin that ends again and again. It then fails to clear
    /// up what it started last, and every later `docker plugin enable` answers "id already in use", whatever was
    /// corrected (Docker 20.10). A plugin that stays is ended in good order.
    static func stayForDocker() async {
        guard getpid() == 1 else { return }
        // Process 1 hears only signals that it has a handler for.
        signal(SIGTERM) { _ in _exit(ExitStatus.settings.rawValue) }
        guard !EarlySignals.wasAsked else { return }
        try? await Task.sleep(for: .seconds(20))
    }
}
