-- As 0076 does for events, from which its rows come.
ALTER TABLE event_arrivals MODIFY SETTING merge_selector_base = 12;
