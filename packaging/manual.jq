# The manual pages of a program, out of what its `--experimental-dump-help` prints: for each an object with its file's name and its
# text (groff_man(7)). Needs $version, $date, and $statuses, rows of a status and what it means.

# Words: nothing at the start of a line may be taken for a request.
def words: gsub("\\\\"; "\\e") | gsub("(?<at>^|\n)(?<c>[.'])"; .at + "\\&" + .c);
# What is typed keeps its hyphens and quotes.
def typed: words | gsub("-"; "\\-") | gsub("'"; "\\(aq");
def bold: "\\fB" + typed + "\\fR";
def italic: "\\fI" + typed + "\\fR";

def is_shown: .shouldDisplay and (.preferredName.name | . != "help" and . != "version");
def name: (if .kind == "long" then "--" else "-" end) + .name;
def with_value($names): ($names | map(name | bold) | join(", ")) + (if .kind == "option" then " " + (.valueName | italic) else "" end);
def in_synopsis:
    (if .kind == "positional" then .valueName | italic else with_value([.preferredName]) end)
    + (if .isRepeating then " ..." else "" end);
def synopsis: in_synopsis as $shown | if .isOptional then "[\($shown)]" else $shown end;
def told: (.abstract // "") + (if .defaultValue and .kind == "option" then " (default: \(.defaultValue))" else "" end) | words;
def entry: ".TP\n" + (if .kind == "positional" then .valueName | italic else with_value(.names) end) + "\n" + told;

# A paragraph with a line of its own for each thing stays as it is.
def paragraph:
    if test("^Examples?: ") then ".SH EXAMPLE\n.nf\n" + (sub("^Examples?: "; "") | gsub("\n +"; "\n") | bold) + "\n.fi"
    elif test("\n") then ".PP\n.nf\n" + words + "\n.fi"
    else ".PP\n" + words end;
def section($title; $lines): $lines | map(select(. != "")) | if . == [] then empty else ".SH \($title)", .[] end;

def page($path):
    ($path | join(" ")) as $command | ($path | join("-")) as $page
    | ([.arguments[]? | select(is_shown)] + []) as $arguments
    | [.subcommands[]? | select(.shouldDisplay and .commandName != "help")] as $verbs
    | {
        file: "\($page).8",
        text: (([
            ".TH \($page | ascii_upcase | typed) 8 \($date) \"rbd\\-plugin \($version | typed)\" \"Volumes on Ceph RBD\"",
            section("NAME"; ["\($page | typed) \\- \(.abstract | rtrimstr(".") | words)"]),
            section("SYNOPSIS"; [([$command | bold] + ($arguments | map(synopsis))
                + (if $verbs == [] then [] else ["command" | italic] end) | join(" "))]),
            section("DESCRIPTION"; [".PP\n" + (.abstract | words)]),
            ((.discussion // "") | split("\n\n") | map(select(. != "") | paragraph) | .[] | select(startswith(".SH") | not)),
            section("COMMANDS"; $verbs | map(".TP\n\("\($page)-\(.commandName)" | bold)(8)\n\(.abstract | words)")),
            section("ARGUMENTS"; $arguments | map(select(.kind == "positional") | entry)),
            section("OPTIONS"; $arguments | map(select(.kind != "positional") | entry)),
            ((.discussion // "") | split("\n\n") | map(select(. != "") | paragraph) | .[] | select(startswith(".SH"))),
            (if ($path | length) == 1 then
                section("EXIT STATUS"; $statuses | map(".TP\n\(.[0] | bold)\n\(.[1] | gsub("`"; "") | words)")),
                section("FILES"; [".TP\n.I /etc/default/rbd\\-plugin\nThe settings, as environment variables: those of the service, and of commands on its host."])
            else
                section("SEE ALSO"; [([$path[:-1] | join("-")] + [$verbs[] | "\($page)-\(.commandName)"] | map("\(bold)(8)") | join(",\n"))])
            end)
        ] | join("\n")) + "\n")
    },
    ($verbs[] | page($path + [.commandName]));

.command | page([.commandName])
