"""Link managers: heralded generation of Bell pairs, as one compiled loop per link."""
