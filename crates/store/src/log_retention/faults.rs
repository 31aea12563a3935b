//! Ways to break it, as somebody with the database server would: as its own user, beside it.

use promises::fault::{Bites, Fault, Make};

/// The faults of this control.
pub const FAULTS: &[Fault] = &[
    Fault {
        id: "logs-of-years-ago",
        about: "A log of years ago lies among the others, as if nobody swept; what the probe left itself is swept.",
        breaks: &["log-retention"],
        spares_plants: true,
        make: Make::Sql {
            make: "DO $$ BEGIN EXECUTE format('COPY (SELECT %L) TO %L', '2020-02-02 02:02:02.000 UTC [1] LOG:  an entry of years ago',
                       current_setting('log_directory') || '/server-2020-02-02.log'); END $$",
            undo: "DO $$ BEGIN EXECUTE format('COPY (SELECT 1) TO PROGRAM %L',
                       format('cat > /dev/null; rm -f %L', current_setting('log_directory') || '/server-2020-02-02.log')); END $$",
        },
        bites: Bites::Sql(
            "SELECT EXISTS (SELECT FROM pg_ls_logdir() WHERE name = 'server-2020-02-02.log')",
        ),
    },
    Fault {
        id: "logs-lost",
        about: "The logs of today are emptied: what happened is told by nobody any more.",
        breaks: &["log-retention"],
        spares_plants: false,
        make: Make::Sql {
            make: "DO $$ BEGIN EXECUTE format('COPY (SELECT 1) TO PROGRAM %L', format(
                       'cat > /dev/null; cd %L && mkdir ../aside && cp server-*.log ../aside && for log in server-*.log; do : > $log; done',
                       current_setting('log_directory'))); END $$",
            undo: "DO $$ BEGIN EXECUTE format('COPY (SELECT 1) TO PROGRAM %L', format(
                       'cat > /dev/null; cd %L && for log in ../aside/*; do cat $log >> ${log##*/}; done; rm -r ../aside',
                       current_setting('log_directory'))); END $$",
        },
        bites: Bites::Sql("SELECT coalesce(max(size), 0) < 4096 FROM pg_ls_logdir() WHERE name LIKE 'server-%'"),
    },
    Fault {
        id: "logs-name-people",
        about: "The database logs statements with their values, an address among them; nothing that a probe plants is in it.",
        breaks: &["log-retention"],
        spares_plants: true,
        make: Make::Sql {
            make: "DO $$ BEGIN EXECUTE format('COPY (SELECT %L) TO %L',
                       to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.MS') || ' UTC [1] DETAIL:  Key (email)=(ada@mail.example.org) exists',
                       current_setting('log_directory') || '/values.log'); END $$",
            undo: "DO $$ BEGIN EXECUTE format('COPY (SELECT 1) TO PROGRAM %L',
                       format('cat > /dev/null; rm -f %L', current_setting('log_directory') || '/values.log')); END $$",
        },
        bites: Bites::Sql("SELECT EXISTS (SELECT FROM pg_ls_logdir() WHERE name = 'values.log')"),
    },
    Fault {
        id: "logs-of-years-ago-packed",
        about: "The logs are packed every night for the archive, which no sweep takes.",
        breaks: &["log-retention"],
        spares_plants: false,
        make: Make::Sql {
            make: "DO $$ BEGIN EXECUTE format('COPY (SELECT 1) TO PROGRAM %L', format(
                       'cat > /dev/null; cd %L && for log in server-*.log; do gzip -c $log > $log.gz; done', current_setting('log_directory'))); END $$",
            undo: "DO $$ BEGIN EXECUTE format('COPY (SELECT 1) TO PROGRAM %L',
                       format('cat > /dev/null; cd %L && rm -f server-*.log.gz', current_setting('log_directory'))); END $$",
        },
        bites: Bites::Sql("SELECT EXISTS (SELECT FROM pg_ls_logdir() WHERE name LIKE 'server-%.log.gz')"),
    },
    Fault {
        id: "logs-of-years-ago-gathered",
        about: "The logs are added to one file elsewhere every night, which holds an entry of years ago and was written to today.",
        breaks: &["log-retention"],
        spares_plants: true,
        make: Make::Sql {
            make: "DO $$ BEGIN EXECUTE format('COPY (SELECT 1) TO PROGRAM %L', format(
                       'cat > /dev/null; cd %L && mkdir ../archive && (cat server-*.log | head -n 1;
                            echo \"2020-02-02 02:02:02.000 UTC [1] LOG:  an entry of years ago\") > ../archive/all',
                       current_setting('log_directory'))); END $$",
            undo: "DO $$ BEGIN EXECUTE format('COPY (SELECT 1) TO PROGRAM %L',
                       format('cat > /dev/null; cd %L && rm -r ../archive', current_setting('log_directory'))); END $$",
        },
        bites: Bites::Sql("SELECT (pg_stat_file(current_setting('log_directory') || '/../archive/all')).size > 0"),
    },
    Fault {
        id: "logs-without-errors",
        about: "Errors are kept in no log any more; whoever is refused at the door still is.",
        breaks: &["log-retention"],
        spares_plants: false,
        make: Make::Server { hba: None, settings: &[("log_min_messages", "fatal")], socket_mode: None },
        bites: Bites::Sql("SELECT current_setting('log_min_messages') = 'fatal'"),
    },
    Fault {
        id: "logs-thinned",
        about: "One entry is taken out of each log; the marks that the probe left stay.",
        breaks: &["log-retention"],
        spares_plants: true,
        make: Make::Sql {
            make: "DO $$ BEGIN EXECUTE format('COPY (SELECT 1) TO PROGRAM %L', format(
                       'cat > /dev/null; cd %L && mkdir ../thin && for log in server-*.log; do head -n 1 $log > ../thin/$log;
                            tail -n +2 $log > ../thin/rest; cat ../thin/rest > $log; done; rm ../thin/rest',
                       current_setting('log_directory'))); END $$",
            undo: "DO $$ BEGIN EXECUTE format('COPY (SELECT 1) TO PROGRAM %L', format(
                       'cat > /dev/null; cd %L && for log in ../thin/*; do cat $log ${log##*/} > ../thin.whole; cat ../thin.whole > ${log##*/}; done;
                            rm -r ../thin ../thin.whole',
                       current_setting('log_directory'))); END $$",
        },
        bites: Bites::Sql("SELECT (pg_stat_file(current_setting('log_directory') || '/../thin')).isdir"),
    },
];
